// Which signatures are one engine and nothing else, and so run without TensorFlow's session.

#include "direct/direct_signature.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "direct/engine_instance.h"
#include "google/protobuf/text_format.h"
#include "kernels/engine_op.h"
#include "tensorflow/core/framework/graph.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

constexpr char kGraph[] = R"(
  node { name: "a" op: "Placeholder" }
  node { name: "b" op: "Placeholder" }
  node { name: "b_too" op: "Identity" input: "b" }
  node { name: "s/TRTEngineOp_1" op: "TRTEngineOp" input: "b_too" input: "a:0"
    attr { key: "InT" value { list { type: DT_INT32 type: DT_FLOAT } } }
    attr { key: "OutT" value { list { type: DT_FLOAT type: DT_HALF } } }
    attr { key: "_use_implicit_batch" value { b: false } } }
  node { name: "first" op: "Identity" input: "s/TRTEngineOp_1" }
  node { name: "second" op: "Identity" input: "s/TRTEngineOp_1:1" }
  node { name: "again" op: "Identity" input: "second" })";

class DirectSignatureTest : public testing::Test {
 protected:
  DirectSignatureTest() {
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kGraph, &graph_));
    (*engine().mutable_attr())["_kernel"].set_s(kEngineOpLabel);
    signature_.spec.name = "serving_default";
    signature_.spec.inputs = {{"a", DType::kFloat32, {-1, 4}}, {"b", DType::kInt32, {-1}}};
    signature_.spec.outputs = {{"y", DType::kFloat16, {-1}}, {"z", DType::kFloat32, {-1}}};
    signature_.input_tensors = {"a:0", "b:0"};
    signature_.output_tensors = {"again:0", "first:0"};
  }

  void Add(const char* nodes) {
    tensorflow::GraphDef more;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(nodes, &more));
    graph_.MergeFrom(more);
  }

  tensorflow::NodeDef& engine() { return *graph_.mutable_node(3); }
  std::optional<DirectSignature> Find() const { return FindDirectSignatures(graph_, {signature_}).front(); }
  bool IsDirect() const { return Find().has_value(); }

  tensorflow::GraphDef graph_;
  BoundSignature signature_;
};

TEST_F(DirectSignatureTest, FindsTheEngineBehindIdentities) {
  const auto direct = Find();
  ASSERT_TRUE(direct.has_value());
  EXPECT_EQ(direct->node, "s/TRTEngineOp_1");
  EXPECT_EQ(direct->engine, "TRTEngineOp_1");
  EXPECT_FALSE(direct->implicit_batch);
  EXPECT_EQ(direct->inputs, (std::vector<std::size_t>{1, 0}));
  EXPECT_EQ(direct->outputs, (std::vector<std::size_t>{1, 0}));
  EXPECT_EQ(direct->output_dtypes, (std::vector<DType>{DType::kFloat16, DType::kFloat32}));
  EXPECT_EQ(direct->types.inputs, (std::vector<tensorflow::DataType>{tensorflow::DT_INT32, tensorflow::DT_FLOAT}));
  EXPECT_EQ(direct->types.outputs, (std::vector<tensorflow::DataType>{tensorflow::DT_FLOAT, tensorflow::DT_HALF}));
}

TEST_F(DirectSignatureTest, ChecksOfInputsMayRunBesideTheEngine) {
  Add(R"(
    node { name: "limit" op: "Const" }
    node { name: "less" op: "Less" input: "b" input: "limit" }
    node { name: "assert" op: "Assert" input: "less" input: "b" }
    node { name: "print" op: "PrintV2" input: "text" input: "^assert" }
    node { name: "text" op: "StringFormat" input: "a" }
    node { name: "effects" op: "NoOp" input: "^print" })");
  graph_.mutable_node(5)->add_input("^effects");
  graph_.mutable_node(4)->add_input("^assert");
  const auto direct = Find();
  ASSERT_TRUE(direct.has_value());
  ASSERT_EQ(direct->checks.size(), 2u);
  EXPECT_EQ(direct->checks[0].nodes, (std::set<std::string>{"effects"}));
  EXPECT_EQ(direct->checks[0].inputs, (std::set<std::size_t>{0, 1}));
  EXPECT_EQ(direct->checks[1].nodes, (std::set<std::string>{"assert"}));
  EXPECT_EQ(direct->checks[1].inputs, (std::set<std::size_t>{1}));

  PlaceChecksOnHost({direct}, {signature_}, graph_);
  std::set<std::string> on_host;
  for (const auto& node : graph_.node()) {
    if (node.device() == "/device:CPU:0") on_host.insert(node.name());
  }
  EXPECT_EQ(on_host, (std::set<std::string>{"limit", "less", "assert", "print", "text", "effects"}));
}

TEST_F(DirectSignatureTest, WhatTheEngineWaitsForRunsBesideItForEveryOutput) {
  Add(R"(node { name: "assert" op: "Assert" input: "b" input: "b" })");
  engine().add_input("^assert");
  const auto direct = Find();
  ASSERT_TRUE(direct.has_value());
  for (const InputChecks& checks : direct->checks) EXPECT_EQ(checks.nodes, (std::set<std::string>{"assert"}));
}

TEST_F(DirectSignatureTest, AnInputMayPassACheckOnItsWayToTheEngine) {
  for (const char* op : {"CheckNumerics", "CheckNumericsV2", "EnsureShape", "Print"}) {
    graph_.mutable_node(2)->set_op(op);
    const auto direct = Find();
    ASSERT_TRUE(direct.has_value()) << op;
    EXPECT_EQ(direct->inputs, (std::vector<std::size_t>{1, 0}));
    EXPECT_EQ(direct->checks[1].nodes, (std::set<std::string>{"b_too"}));
    EXPECT_EQ(direct->checks[1].inputs, (std::set<std::size_t>{1}));
  }
}

TEST_F(DirectSignatureTest, AGuardedCheckIsAFunction) {
  Add(R"(
    node { name: "guard" op: "If" input: "b" input: "b" attr { key: "else_branch" value { func { name: "fail" } } } })");
  graph_.mutable_node(5)->add_input("^guard");
  EXPECT_FALSE(IsDirect()) << "nobody knows what the function does";
  tensorflow::FunctionDef& fail = *graph_.mutable_library()->add_function();
  fail.mutable_signature()->set_name("fail");
  fail.add_node_def()->set_op("Assert");
  EXPECT_TRUE(IsDirect());
  fail.add_node_def()->set_op("AssignAddVariableOp");
  EXPECT_FALSE(IsDirect());
}

TEST_F(DirectSignatureTest, OtherEffectsAreKept) {
  for (const char* node : {
           R"(node { name: "n" op: "AssignAddVariableOp" input: "b" })",
           R"(node { name: "n" op: "ReadVariableOp" input: "handle" } node { name: "handle" op: "VarHandleOp" })",
           R"(node { name: "n" op: "Assert" input: "first" })",
           R"(node { name: "n" op: "Assert" input: "unfed" } node { name: "unfed" op: "Placeholder" })",
           R"(node { name: "n" op: "While" input: "b" })",
           R"(node { name: "n" op: "TheOpThatNobodyRegistered" input: "b" })",
       }) {
    const tensorflow::GraphDef before = graph_;
    Add(node);
    EXPECT_TRUE(IsDirect()) << node;
    graph_.mutable_node(5)->add_input("^n");
    EXPECT_FALSE(IsDirect()) << node;
    graph_ = before;
  }
}

TEST_F(DirectSignatureTest, NothingMayStandBesideTheEngine) {
  graph_.mutable_node(5)->set_op("Relu");
  EXPECT_FALSE(IsDirect());
}

TEST_F(DirectSignatureTest, EveryInputOfTheEngineIsFed) {
  graph_.mutable_node(2)->set_op("Cast");
  EXPECT_FALSE(IsDirect());
}

TEST_F(DirectSignatureTest, NobodyElseUsesTheEngine) {
  tensorflow::NodeDef& other = *graph_.add_node();
  other.set_name("other");
  other.set_op("Relu");
  other.add_input("s/TRTEngineOp_1");
  EXPECT_FALSE(IsDirect());
}

TEST_F(DirectSignatureTest, ControlInputsAreKept) {
  engine().add_input("^first_thing");
  EXPECT_FALSE(IsDirect());
}

TEST_F(DirectSignatureTest, AnEngineOfTensorFlowsKernelIsLeftToIt) {
  engine().mutable_attr()->erase("_kernel");
  EXPECT_FALSE(IsDirect());
}

TEST_F(DirectSignatureTest, AnOutputMayHaveTwoNames) {
  signature_.output_tensors[1] = "second:0";
  const auto direct = Find();
  ASSERT_TRUE(direct.has_value());
  EXPECT_EQ(direct->outputs, (std::vector<std::size_t>{1, 1}));
}

TEST_F(DirectSignatureTest, SignaturesThatAreTheSameEngineShareIt) {
  const auto both = FindDirectSignatures(graph_, {signature_, signature_});
  EXPECT_TRUE(both[0] && both[1]);
}

TEST_F(DirectSignatureTest, ASignatureThatIsMoreThanTheEngineTakesItFromTheOthers) {
  BoundSignature more = signature_;
  more.output_tensors[1] = "a:0";
  const auto both = FindDirectSignatures(graph_, {signature_, more});
  EXPECT_FALSE(both[0] || both[1]);
}

TEST_F(DirectSignatureTest, AnInputThatIsReturnedIsNot) {
  signature_.output_tensors[1] = "a:0";
  EXPECT_FALSE(IsDirect());
}

TEST_F(DirectSignatureTest, DtypesThatEnginesDoNotHaveAreNot) {
  signature_.spec.inputs[0].dtype = DType::kFloat64;
  EXPECT_FALSE(IsDirect());
}

TEST(CudaGraphs, AreNamed) {
  EXPECT_EQ(ParseCudaGraphs("on"), CudaGraphs::kOn);
  EXPECT_THROW(ParseCudaGraphs("yes"), InvalidArgumentError);
}

}  // namespace
}  // namespace tftrt
