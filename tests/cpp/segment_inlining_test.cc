// Engines as their native segments: what becomes of names, of order and of branches.

#include "runtime/segment_inlining.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "kernels/inlined_engine_op.h"
#include "runtime/engine_nodes.h"
#include "runtime/graph_walk.h"
#include "runtime/optimizer_options.h"
#include "runtime/tensor_name.h"
#include "tensorflow/core/framework/function.h"
#include "tensorflow/core/grappler/grappler_item.h"
#include "tensorflow/core/grappler/optimizers/meta_optimizer.h"
#include "tensorflow/core/protobuf/config.pb.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

using tensorflow::GraphDef;
using tensorflow::MetaGraphDef;
using tensorflow::NodeDef;

// Halves its first argument and adds the second; doubles the first.
constexpr char kSegment[] = R"(
  function {
    signature {
      name: "segment"
      input_arg { name: "a" type: DT_FLOAT } input_arg { name: "b" type: DT_FLOAT }
      output_arg { name: "first" type: DT_FLOAT } output_arg { name: "second" type: DT_FLOAT }
    }
    node_def { name: "factor" op: "Const" input: "^b"
      attr { key: "dtype" value { type: DT_FLOAT } }
      attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape {} float_val: 0.5 } } } }
    node_def { name: "half" op: "Mul" input: "a" input: "factor:output:0" attr { key: "T" value { type: DT_FLOAT } } }
    node_def { name: "sum" op: "AddV2" input: "half:z:0" input: "b" attr { key: "T" value { type: DT_FLOAT } } }
    node_def { name: "twice" op: "AddV2" input: "a" input: "a" attr { key: "T" value { type: DT_FLOAT } } }
    ret { key: "first" value: "sum:z:0" } ret { key: "second" value: "twice:z:0" }
  })";

std::string Engine(const std::string& name, const std::string& inputs, const char* node = "node") {
  return std::string(node) + R"( { name: ")" + name + R"(" op: "TRTEngineOp" )" + inputs + R"(
      attr { key: "InT" value { list { type: [DT_FLOAT, DT_FLOAT] } } }
      attr { key: "OutT" value { list { type: [DT_FLOAT, DT_FLOAT] } } }
      attr { key: "segment_func" value { func { name: "segment" } } } })";
}

std::string Placeholder(const std::string& name) {
  return R"(node { name: ")" + name + R"(" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } }
    attr { key: "shape" value { shape { dim { size: 4 } } } } })";
}

MetaGraphDef Model(const std::string& nodes, const std::string& functions, const std::vector<std::string>& outputs) {
  std::string text = "graph_def { " + nodes + " library { " + kSegment + functions + " } }";
  text += R"( signature_def { key: "serve" value { )";
  for (const std::string& output : outputs) {
    text += R"(outputs { key: ")" + output + R"(" value { name: ")" + output + R"(:0" dtype: DT_FLOAT } } )";
  }
  text += "} }";
  MetaGraphDef model;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &model)) << text;
  return model;
}

// A step that reads a variable, and afterwards writes to it what does not come from it.
MetaGraphDef StatefulModel() {
  const char* const kVariable = R"( attr { key: "dtype" value { type: DT_FLOAT } } )";
  return Model(
      Placeholder("x") + R"(node { name: "handle" op: "VarHandleOp" )" + kVariable +
          R"( attr { key: "shape" value { shape { dim { size: 4 } } } } attr { key: "shared_name" value { s: "v" } } }
      node { name: "read" op: "ReadVariableOp" input: "handle" )" +
          kVariable + "}" + Engine("engine", R"(input: "x" input: "read")") + R"(
      node { name: "write" op: "AssignVariableOp" input: "handle" input: "engine:1" input: "^read" )" +
          kVariable + R"(}
      node { name: "y" op: "Identity" input: "engine" input: "^write" attr { key: "T" value { type: DT_FLOAT } } })",
      "", {"y"});
}

std::map<std::string, const NodeDef*> ByName(const GraphDef& graph) {
  std::map<std::string, const NodeDef*> nodes;
  for (const NodeDef& node : graph.node()) nodes[node.name()] = &node;
  return nodes;
}

bool Follows(const GraphDef& graph, const std::string& later, const std::string& earlier) {
  const auto nodes = ByName(graph);
  std::set<std::string> seen;
  std::vector<std::string> reached = {later};
  while (!reached.empty()) {
    const std::string name = reached.back();
    reached.pop_back();
    if (name == earlier) return true;
    if (!seen.insert(name).second || nodes.count(name) == 0) continue;
    for (const std::string& input : nodes.at(name)->input()) reached.emplace_back(NodeName(input));
  }
  return false;
}

std::vector<std::string> Inputs(const NodeDef& node) { return {node.input().begin(), node.input().end()}; }

GraphDef Optimized(const MetaGraphDef& model, const std::vector<std::string>& fetches) {
  tensorflow::grappler::GrapplerItem item;
  item.id = "test";
  item.graph = model.graph_def();
  item.feed.emplace_back("x", tensorflow::Tensor(tensorflow::DT_FLOAT, {4}));
  item.fetch = fetches;
  tensorflow::ConfigProto config;
  *config.mutable_graph_options()->mutable_rewrite_options() =
      MakeGraphOptions(model.graph_def(), {}, Placement(), /*converted=*/true).rewrite_options();
  config.mutable_graph_options()->mutable_rewrite_options()->set_min_graph_nodes(-1);
  GraphDef result;
  tensorflow::grappler::MetaOptimizer optimizer(/*cpu_device=*/nullptr, config);
  const absl::Status status = optimizer.OptimizeConsumeItem(nullptr, std::move(item), &result);
  EXPECT_TRUE(status.ok()) << status;
  return result;
}

TEST(SegmentInlining, WithoutEffectsTheOptimizerTakesEverythingApart) {
  MetaGraphDef model =
      Model(Placeholder("x") + Engine("engine", R"(input: "x" input: "x")") +
                R"(node { name: "y" op: "Identity" input: "engine:1" attr { key: "T" value { type: DT_FLOAT } } })",
            "", {"y"});
  ReplaceEngines(model);
  const auto nodes = ByName(model.graph_def());
  ASSERT_EQ(nodes.count("engine"), 1u);
  EXPECT_EQ(nodes.at("engine")->op(), "IdentityN");
  EXPECT_EQ(Inputs(*nodes.at("engine")), (std::vector<std::string>{"sum", "twice"}));
  EXPECT_EQ(Inputs(*nodes.at("sum")), (std::vector<std::string>{"half", "x"}));
  EXPECT_EQ(Inputs(*nodes.at("y")), (std::vector<std::string>{"twice"}));
  // What the segment orders by an argument is ordered by what is fed there.
  EXPECT_EQ(Inputs(*nodes.at("factor")), (std::vector<std::string>{"^engine/b"}));
  EXPECT_EQ(Inputs(*nodes.at("engine/b")), (std::vector<std::string>{"x"}));
}

TEST(SegmentInlining, NodesHaveTheirNamesFromBeforeTheConversion) {
  // Two engines of one segment, beside a node that has one of the names.
  MetaGraphDef model =
      Model(Placeholder("x") + Placeholder("scope/half") + Engine("scope/a", R"(input: "x" input: "x")") +
                Engine("scope/b", R"(input: "x" input: "scope/a:1")"),
            "", {"scope/b"});
  ReplaceEngines(model);
  const auto nodes = ByName(model.graph_def());
  EXPECT_EQ(Inputs(*nodes.at("scope/sum")), (std::vector<std::string>{"scope/a/half", "x"}));
  EXPECT_EQ(Inputs(*nodes.at("scope/b/sum")), (std::vector<std::string>{"scope/b/half", "scope/twice"}));
  EXPECT_EQ(nodes.at("scope/half")->op(), "Placeholder");
}

TEST(SegmentInlining, WithEffectsWritesComeAfterReads) {
  MetaGraphDef model = StatefulModel();
  ReplaceEngines(model);
  EXPECT_EQ(ByName(model.graph_def()).at("engine")->op(), kInlinedEngineOp);
  EXPECT_TRUE(Follows(model.graph_def(), "write", "read"));
  const GraphDef optimized = Optimized(model, {"y"});
  EXPECT_TRUE(Follows(optimized, "write", "read")) << optimized.DebugString();
  EXPECT_TRUE(Follows(optimized, "y", "write"));
}

TEST(SegmentInlining, ReadsInsideASegmentWaitForItsInputs) {
  MetaGraphDef model = StatefulModel();
  // As TF-TRT writes it where variables are not frozen.
  auto& segment = *model.mutable_graph_def()->mutable_library()->mutable_function(0);
  segment.mutable_signature()->mutable_input_arg(1)->set_type(tensorflow::DT_RESOURCE);
  for (NodeDef& node : *segment.mutable_node_def()) {
    if (node.name() == "sum") node.set_input(1, "inside:value:0");
  }
  NodeDef& inside = *segment.add_node_def();
  inside.set_name("inside");
  inside.set_op("ReadVariableOp");
  inside.add_input("b");
  (*inside.mutable_attr())["dtype"].set_type(tensorflow::DT_FLOAT);
  for (NodeDef& node : *model.mutable_graph_def()->mutable_node()) {
    if (node.name() == "engine") node.set_input(1, "handle");
    if (node.name() == "engine") node.add_input("^read");
    // What nobody reads need not be read.
    if (node.name() == "y") node.set_input(0, "both");
  }
  NodeDef& both = *model.mutable_graph_def()->add_node();
  both.set_name("both");
  both.set_op("AddV2");
  both.add_input("engine");
  both.add_input("read");
  (*both.mutable_attr())["T"].set_type(tensorflow::DT_FLOAT);
  ReplaceEngines(model);
  for (const GraphDef& graph : {model.graph_def(), Optimized(model, {"y"})}) {
    EXPECT_TRUE(Follows(graph, "inside", "x"));
    EXPECT_TRUE(Follows(graph, "inside", "read"));
    EXPECT_TRUE(Follows(graph, "write", "inside"));
  }
}

TEST(SegmentInlining, OutputsOfABranchThatIsNotTakenHaveNoValue) {
  // The second output does not come from the input that is switched.
  MetaGraphDef model = Model(
      Placeholder("x") + R"(
      node { name: "off" op: "Const" attr { key: "dtype" value { type: DT_BOOL } }
        attr { key: "value" value { tensor { dtype: DT_BOOL tensor_shape {} bool_val: false } } } }
      node { name: "switch" op: "Switch" input: "x" input: "off" attr { key: "T" value { type: DT_FLOAT } } })" +
          Engine("engine", R"(input: "x" input: "switch:1")") +
          R"(node { name: "y" op: "Merge" input: "switch" input: "engine:1" attr { key: "T" value { type: DT_FLOAT } }
                attr { key: "N" value { i: 2 } } })",
      "", {"y"});
  ReplaceEngines(model);
  const auto nodes = ByName(model.graph_def());
  EXPECT_EQ(nodes.at("engine")->op(), kInlinedEngineOp);
  EXPECT_TRUE(Follows(model.graph_def(), "engine", "switch"));
}

TEST(SegmentInlining, ConstantsOfALoopAreInItsFrame) {
  MetaGraphDef model =
      Model(Placeholder("x") + R"(
      node { name: "enter" op: "Enter" input: "x" attr { key: "T" value { type: DT_FLOAT } } attr { key: "frame_name" value { s: "f" } } })" +
                Engine("engine", R"(input: "enter" input: "enter")") +
                R"(node { name: "y" op: "Exit" input: "engine" attr { key: "T" value { type: DT_FLOAT } } })",
            "", {"y"});
  model.mutable_graph_def()->mutable_library()->mutable_function(0)->mutable_node_def(0)->clear_input();
  ReplaceEngines(model);
  EXPECT_TRUE(Follows(model.graph_def(), "factor", "enter"));
}

TEST(SegmentInlining, EnginesInFunctionsKeepTheNamesOfTheirOutputs) {
  const std::string body = R"(
    function {
      signature { name: "body" input_arg { name: "v" type: DT_FLOAT } output_arg { name: "r" type: DT_FLOAT } }
      )" + Engine("inner", R"(input: "v" input: "v")", "node_def") +
                           R"(
      node_def { name: "use" op: "AddV2" input: "inner:out_tensor:0" input: "inner:out_tensor:1"
        attr { key: "T" value { type: DT_FLOAT } } }
      ret { key: "r" value: "use:z:0" }
    })";
  const std::string call = R"(
      node { name: "y" op: "PartitionedCall" input: "x" attr { key: "f" value { func { name: "body" } } }
        attr { key: "Tin" value { list { type: DT_FLOAT } } } attr { key: "Tout" value { list { type: DT_FLOAT } } } })";
  for (const bool effects : {false, true}) {
    const std::string print = R"(node { name: "p" op: "PrintV2" input: "x" }
                                 node { name: "z" op: "Identity" input: "y" input: "^p" attr { key: "T" value { type: DT_FLOAT } } })";
    MetaGraphDef model = Model(Placeholder("x") + call + (effects ? print : ""), body, {effects ? "z" : "y"});
    ReplaceEngines(model);
    tensorflow::InstantiationResult result;
    const tensorflow::FunctionDef* function = nullptr;
    for (const auto& candidate : model.graph_def().library().function()) {
      if (candidate.signature().name() == "body") function = &candidate;
    }
    ASSERT_NE(function, nullptr);
    EXPECT_EQ(function->node_def(0).op(), effects ? kInlinedEngineOp : "IdentityN");
    const auto look_up = [](const std::string& op, const tensorflow::OpDef** definition) {
      return tensorflow::OpRegistry::Global()->LookUpOpDef(op, definition);
    };
    const absl::Status status = tensorflow::InstantiateFunction(*function, tensorflow::AttrSlice(), look_up, &result);
    EXPECT_TRUE(status.ok()) << status;
  }
}

TEST(SegmentInlining, ASegmentThatDoesNotFitIsDamage) {
  MetaGraphDef few = Model(Placeholder("x") + Engine("engine", R"(input: "x")"), "", {"engine"});
  EXPECT_THROW(ReplaceEngines(few), ModelError);
  for (const char* input : {"^nowhere", "nowhere:z:0", "half:nothing:0", "half:z:x", ""}) {
    MetaGraphDef model = Model(Placeholder("x") + Engine("engine", R"(input: "x" input: "x")"), "", {"engine"});
    model.mutable_graph_def()->mutable_library()->mutable_function(0)->mutable_node_def(2)->add_input(input);
    EXPECT_THROW(ReplaceEngines(model), ModelError) << input;
  }
}

}  // namespace
}  // namespace tftrt
