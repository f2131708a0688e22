// What makes the plans of two engines interchangeable, and what does not.

#include "runtime/plan_key.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "google/protobuf/text_format.h"
#include "tensorflow/core/framework/graph.pb.h"

namespace tftrt {
namespace {

constexpr char kGraph[] = R"(
  node {
    name: "scope/TRTEngineOp_1" op: "TRTEngineOp" input: "x"
    attr { key: "segment_func" value { func { name: "segment" } } }
    attr { key: "workspace_size_bytes" value { i: 1 } }
    attr { key: "precision_mode" value { s: "FP32" } }
    attr { key: "max_cached_engines_count" value { i: 1 } }
  }
  library {
    function { signature { name: "segment" } node_def { name: "call" op: "called" } }
    function { signature { name: "called" } node_def { name: "if" op: "If"
      attr { key: "then_branch" value { func { name: "branch" } } } } }
    function { signature { name: "branch" } node_def { name: "again" op: "segment" } }
    function { signature { name: "unrelated" } node_def { name: "x" op: "NoOp" } }
  })";

class PlanKeyTest : public testing::Test {
 protected:
  PlanKeyTest() {
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kGraph, &graph));
    wanted.fixed = {{{{8, 128}}, {{}}}};
    platform = {{"GPU", "9.0", "1"}, "8.6.1", -1};
    before_ = Key();
  }

  std::string Key() const { return PlanKey(graph.node(0), graph.library(), wanted, platform); }

  // Whether the key is another since the last call.
  bool Changed() {
    const std::string before = before_;
    before_ = Key();
    return before_ != before;
  }

  auto& attr(const char* name) { return (*graph.mutable_node(0)->mutable_attr())[name]; }
  std::string& function_node(int i) {
    return *graph.mutable_library()->mutable_function(i)->mutable_node_def(0)->mutable_name();
  }

  tensorflow::GraphDef graph;
  WantedProfiles wanted;
  PlanPlatform platform;

 private:
  std::string before_;
};

TEST_F(PlanKeyTest, IsASumThatStays) {
  EXPECT_EQ(Key().size(), 64u);
  EXPECT_FALSE(Changed());
}

TEST_F(PlanKeyTest, ChangesWithTheSegmentAndWhatItCalls) {
  for (int i : {0, 1, 2}) {
    function_node(i) = "renamed";
    EXPECT_TRUE(Changed()) << graph.library().function(i).signature().name();
  }
  function_node(3) = "renamed";
  EXPECT_FALSE(Changed()) << "no part of the segment";
}

TEST_F(PlanKeyTest, ChangesWithTheNodesOptions) {
  attr("workspace_size_bytes").set_i(2);
  EXPECT_TRUE(Changed());
  attr("precision_mode").set_s("INT8");
  EXPECT_TRUE(Changed());
  attr("calibration_data").set_s("table");
  EXPECT_TRUE(Changed());
  attr("profile_strategy").set_s("Optimal");
  EXPECT_TRUE(Changed());
  attr("max_cached_engines_count").set_i(2);
  EXPECT_FALSE(Changed()) << "says nothing of one plan";
  graph.mutable_node(0)->set_name("another");
  EXPECT_FALSE(Changed());
}

TEST_F(PlanKeyTest, ChangesWithShapesAndValues) {
  wanted.fixed.push_back(wanted.fixed[0]);
  EXPECT_TRUE(Changed());
  wanted.fixed[0].shapes[0] = {81, 28};
  EXPECT_TRUE(Changed());
  wanted.fixed[0].values[0] = {8};
  EXPECT_TRUE(Changed());
  wanted.ranges.push_back({wanted.fixed[0], wanted.fixed[0], wanted.fixed[1]});
  EXPECT_TRUE(Changed());
  std::swap(wanted.ranges[0].opt, wanted.ranges[0].max);
  EXPECT_TRUE(Changed());
  wanted.strategy = "Optimal";
  EXPECT_FALSE(Changed()) << "the node's attribute decides";
}

TEST_F(PlanKeyTest, ChangesWithThePlatform) {
  platform.gpu.name = "another";
  EXPECT_TRUE(Changed());
  platform.gpu.compute_capability = "8.0";
  EXPECT_TRUE(Changed());
  platform.gpu.driver = "2";
  EXPECT_TRUE(Changed());
  platform.tensorrt = "8.6.0";
  EXPECT_TRUE(Changed());
  platform.optimization_level = 0;
  EXPECT_TRUE(Changed());
}

TEST_F(PlanKeyTest, ChangesWithTheEnvironmentOfNvidiasLibraries) {
  setenv("NVIDIA_TF32_OVERRIDE", "0", 1);
  EXPECT_TRUE(Changed());
  setenv("TF_TRT_TEST_SETTING", "1", 1);
  EXPECT_TRUE(Changed());
  setenv("TFTRT_TEST_SETTING", "1", 1);
  EXPECT_FALSE(Changed());
}

}  // namespace
}  // namespace tftrt
