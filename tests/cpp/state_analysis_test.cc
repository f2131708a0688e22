// Which signatures change state.

#include "runtime/state_analysis.h"

#include <gtest/gtest.h>

#include "google/protobuf/text_format.h"

namespace tftrt {
namespace {

constexpr char kGraph[] = R"(
  node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
  node { name: "handle" op: "VarHandleOp" }
  node { name: "read" op: "ReadVariableOp" input: "handle" }
  node { name: "sum" op: "AddV2" input: "x" input: "read" }
  node { name: "assign" op: "AssignVariableOp" input: "handle" input: "sum" }
  node { name: "written" op: "Identity" input: "sum" input: "^assign" }
  node { name: "noise" op: "RandomUniform" }
  node { name: "reads" op: "StatefulPartitionedCall" input: "handle" attr { key: "f" value { func { name: "reader" } } } }
  node { name: "branch" op: "If" input: "x" attr { key: "then_branch" value { func { name: "outer" } } } }
  node { name: "reference" op: "VariableV2" }
  node { name: "read_reference" op: "Identity" input: "reference" }
  node { name: "assign_reference" op: "Assign" input: "reference" input: "x" }
  node { name: "array" op: "TensorArrayV3" }
  node { name: "stored" op: "TensorArrayWriteV3" input: "array" input: "x" }
  node { name: "unknown" op: "TftrtNoSuchOp" }
  library {
    function { signature { name: "reader" } node_def { name: "r" op: "ReadVariableOp" } }
    function { signature { name: "outer" } node_def { name: "c" op: "PartitionedCall" attr { key: "f" value { func { name: "writer" } } } } }
    function { signature { name: "writer" } node_def { name: "w" op: "AssignAddVariableOp" } }
  })";

class StateAnalysisTest : public testing::Test {
 protected:
  StateAnalysisTest() : parsed_(google::protobuf::TextFormat::ParseFromString(kGraph, &graph_)), analysis_(graph_) {}

  bool HasEffects(const char* tensor) const { return analysis_.HasEffects(analysis_.PartsOf({tensor})); }
  bool IsRandom(const char* tensor) const { return analysis_.IsRandom(analysis_.PartsOf({tensor})); }

  tensorflow::GraphDef graph_;
  const bool parsed_;
  const StateAnalysis analysis_;
};

TEST_F(StateAnalysisTest, ReadingIsNoEffect) {
  ASSERT_TRUE(parsed_);
  for (const char* tensor : {"x:0", "sum:0", "noise:0", "reads:0", "read_reference:0", "stored:0"}) {
    EXPECT_FALSE(HasEffects(tensor)) << tensor;
  }
}

TEST_F(StateAnalysisTest, WritingIsOneWhereverItHappens) {
  for (const char* tensor : {"written:0", "branch:0", "assign_reference:0", "unknown:0"}) {
    EXPECT_TRUE(HasEffects(tensor)) << tensor;
  }
}

TEST_F(StateAnalysisTest, RandomNumbersAreFound) {
  EXPECT_TRUE(IsRandom("noise:0"));
  EXPECT_FALSE(IsRandom("written:0"));
}

TEST_F(StateAnalysisTest, PartsAreNodesAndFunctions) {
  const GraphParts parts = analysis_.PartsOf({"branch:0"});
  EXPECT_EQ(parts.nodes, (std::unordered_set<std::string>{"x", "branch"}));
  EXPECT_EQ(parts.functions, (std::unordered_set<std::string>{"outer", "writer"}));
}

}  // namespace
}  // namespace tftrt
