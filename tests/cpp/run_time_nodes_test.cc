#include "runtime/run_time_nodes.h"

#include <gtest/gtest.h>

#include <string>

#include "tensorflow/core/framework/node_def.pb.h"
#include "tensorflow/core/framework/types.pb.h"

namespace tftrt {
namespace {

using tensorflow::MetaGraphDef;
using tensorflow::NodeDef;

NodeDef& Add(MetaGraphDef& model, const std::string& name, const std::string& op) {
  NodeDef& node = *model.mutable_graph_def()->add_node();
  node.set_name(name);
  node.set_op(op);
  return node;
}

void AddConstant(MetaGraphDef& model, const std::string& name, tensorflow::DataType type) {
  NodeDef& node = Add(model, name, "Const");
  (*node.mutable_attr())["dtype"].set_type(type);
  (*node.mutable_attr())["value"].mutable_tensor()->mutable_tensor_shape()->add_dim()->set_size(200);
}

MetaGraphDef Captures() {
  MetaGraphDef model;
  model.mutable_object_graph_def();
  Add(model, "x", "Placeholder");
  AddConstant(model, "order", tensorflow::DT_INT32);
  AddConstant(model, "table", tensorflow::DT_FLOAT);
  NodeDef& call = Add(model, "call", "StatefulPartitionedCall");
  for (const char* input : {"x", "order", "table"}) call.add_input(input);
  return model;
}

const NodeDef& Call(const MetaGraphDef& model) { return model.graph_def().node(3); }

TEST(RunTimeNodes, CapturedConstantsOfFloatsAreHidden) {
  MetaGraphDef model = Captures();
  EXPECT_FALSE(HasRunTimeNodes(model.graph_def()));
  HideCapturedConstants(model);
  EXPECT_TRUE(HasRunTimeNodes(model.graph_def()));
  EXPECT_EQ(Call(model).input(1), "order");
  const NodeDef& hidden = model.graph_def().node(4);
  EXPECT_EQ(Call(model).input(2), hidden.name());
  EXPECT_EQ(hidden.name(), "unknown_0/call");
  EXPECT_EQ(hidden.op(), "PlaceholderWithDefault");
  EXPECT_EQ(hidden.input(0), "table");
  EXPECT_EQ(hidden.attr().at("shape").shape().dim(0).size(), 200);
}

TEST(RunTimeNodes, ModelsOfTensorFlow1StayAsTheyAre) {
  MetaGraphDef model = Captures();
  model.clear_object_graph_def();
  const std::string before = model.SerializeAsString();
  HideCapturedConstants(model);
  EXPECT_EQ(model.SerializeAsString(), before);
}

}  // namespace
}  // namespace tftrt
