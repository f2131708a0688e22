#include "runtime/channels_first.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/graph.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"

namespace tftrt {
namespace {

using tensorflow::GraphDef;
using tensorflow::NodeDef;

void SetFormat(NodeDef& node, const std::string& format) {
  (*node.mutable_attr())["data_format"].set_s(format);
  (*node.mutable_attr())["T"].set_type(tensorflow::DT_FLOAT);
}

NodeDef& Add(google::protobuf::RepeatedPtrField<NodeDef>& nodes, const std::string& name, const std::string& op,
             const std::vector<std::string>& inputs) {
  NodeDef& node = *nodes.Add();
  node.set_name(name);
  node.set_op(op);
  for (const std::string& input : inputs) node.add_input(input);
  return node;
}

NodeDef& AddConvolution(google::protobuf::RepeatedPtrField<NodeDef>& nodes, const std::string& name,
                        const std::string& input) {
  NodeDef& node = Add(nodes, name, "Conv2D", {input, "kernel"});
  SetFormat(node, "NCHW");
  for (const int stride : {1, 1, 2, 3}) (*node.mutable_attr())["strides"].mutable_list()->add_i(stride);
  for (const int pad : {0, 0, 0, 0, 1, 2, 3, 4}) (*node.mutable_attr())["explicit_paddings"].mutable_list()->add_i(pad);
  return node;
}

template <typename Nodes>
const NodeDef& Find(const Nodes& nodes, const std::string& name) {
  for (const NodeDef& node : nodes) {
    if (node.name() == name) return node;
  }
  ADD_FAILURE() << "no node " << name;
  return NodeDef::default_instance();
}

std::vector<std::int64_t> Numbers(const NodeDef& node, const char* attr) {
  const auto& list = node.attr().at(attr).list().i();
  return {list.begin(), list.end()};
}

TEST(ChannelsFirst, OpsThatTheOptimizerLeavesAloneAreTurnedBack) {
  GraphDef graph;
  Add(*graph.mutable_node(), "x", "Placeholder", {});
  Add(*graph.mutable_node(), "kernel", "Placeholder", {});
  AddConvolution(*graph.mutable_node(), "conv", "x");
  SetFormat(Add(*graph.mutable_node(), "depth", "DepthToSpace", {"conv"}), "NCHW");
  Add(*graph.mutable_node(), "after", "Relu", {"depth"});
  ASSERT_TRUE(HasChannelsFirst(graph));
  TurnBackChannels(graph);

  EXPECT_EQ(Find(graph.node(), "conv").attr().at("data_format").s(), "NCHW");
  EXPECT_EQ(Find(graph.node(), "after").input(0), "depth");
  const NodeDef& output = Find(graph.node(), "depth");
  EXPECT_EQ(output.op(), "Transpose");
  const NodeDef& turned = Find(graph.node(), output.input(0));
  EXPECT_EQ(turned.op(), "DepthToSpace");
  EXPECT_EQ(turned.attr().at("data_format").s(), "NHWC");
  const NodeDef& input = Find(graph.node(), turned.input(0));
  EXPECT_EQ(input.op(), "Transpose");
  EXPECT_EQ(input.input(0), "conv");
}

TEST(ChannelsFirst, AllOpsAreTurnedBackBesideOneThatConfusesTheOptimizer) {
  GraphDef graph;
  Add(*graph.mutable_node(), "x", "Placeholder", {});
  Add(*graph.mutable_node(), "kernel", "Placeholder", {});
  AddConvolution(*graph.mutable_node(), "conv", "x");
  NodeDef& norm = Add(*graph.mutable_node(), "norm", "FusedBatchNormV3", {"conv", "a", "b", "c", "d"});
  SetFormat(norm, "NCHW");
  Add(*graph.mutable_node(), "select", "SelectV2", {"norm", "norm", "norm:1"});
  TurnBackChannels(graph);

  EXPECT_FALSE(HasChannelsFirst(graph));
  const NodeDef& conv = Find(graph.node(), Find(graph.node(), "conv").input(0));
  EXPECT_EQ(Numbers(conv, "strides"), (std::vector<std::int64_t>{1, 2, 3, 1}));
  EXPECT_EQ(Numbers(conv, "explicit_paddings"), (std::vector<std::int64_t>{0, 0, 1, 2, 3, 4, 0, 0}));
  const std::string turned = Find(graph.node(), "norm").input(0);
  EXPECT_EQ(Find(graph.node(), turned).op(), "FusedBatchNormV3");
  const NodeDef& select = Find(graph.node(), "select");
  EXPECT_EQ(select.input(0), "norm");
  EXPECT_EQ(select.input(2), turned + ":1") << "no image";
}

TEST(ChannelsFirst, BodiesOfBranchesAreTurnedBack) {
  GraphDef graph;
  tensorflow::FunctionDef& function = *graph.mutable_library()->add_function();
  function.mutable_signature()->set_name("branch");
  AddConvolution(*function.mutable_node_def(), "conv", "x");
  (*function.mutable_ret())["y"] = "conv:output:0";
  NodeDef& branch = Add(*graph.mutable_node(), "if", "If", {"condition", "x"});
  (*branch.mutable_attr())["then_branch"].mutable_func()->set_name("branch");
  TurnBackChannels(graph);

  const auto& nodes = graph.library().function(0).node_def();
  EXPECT_EQ(Find(nodes, "conv").attr().at("data_format").s(), "NHWC");
  EXPECT_EQ(graph.library().function(0).ret().at("y"), "conv/tftrt_output:y:0");
  EXPECT_EQ(Find(nodes, "conv/tftrt_output").input(0), "conv:output:0");
  EXPECT_EQ(Find(nodes, "conv").input(0), "conv/tftrt_input_0:y:0");
}

TEST(ChannelsFirst, CalledFunctionsAreLeftToTheOptimizer) {
  GraphDef graph;
  tensorflow::FunctionDef& function = *graph.mutable_library()->add_function();
  function.mutable_signature()->set_name("called");
  AddConvolution(*function.mutable_node_def(), "conv", "x");
  NodeDef& call = Add(*graph.mutable_node(), "call", "PartitionedCall", {"x"});
  (*call.mutable_attr())["f"].mutable_func()->set_name("called");
  const std::string before = graph.SerializeAsString();
  TurnBackChannels(graph);
  EXPECT_EQ(graph.SerializeAsString(), before);
}

}  // namespace
}  // namespace tftrt
