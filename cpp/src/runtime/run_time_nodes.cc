#include "runtime/run_time_nodes.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "runtime/tensor_name.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tensorflow/core/framework/tensor.pb.h"
#include "tensorflow/core/framework/types.h"

namespace tftrt {
namespace {

using tensorflow::NodeDef;

constexpr char kMark[] = "_tftrt_run_time";

bool IsMarked(const NodeDef& node) { return node.attr().count(kMark) != 0; }

bool IsFloatConstant(const NodeDef& node) {
  const auto type = node.attr().find("dtype");
  return node.op() == "Const" && type != node.attr().end() && node.attr().count("value") != 0 &&
         tensorflow::DataTypeIsFloating(type->second.type());
}

bool IsCall(const NodeDef& node) { return node.op() == "PartitionedCall" || node.op() == "StatefulPartitionedCall"; }

// As TensorFlow calls the argument for what a function captures: it sorts operands of sums and products by name.
std::string ArgumentName(int number) { return number == 0 ? "unknown" : "unknown_" + std::to_string(number - 1); }

NodeDef Hidden(const NodeDef& constant, const std::string& name) {
  NodeDef node;
  node.set_name(name);
  node.set_op("PlaceholderWithDefault");
  node.add_input(constant.name());
  (*node.mutable_attr())["dtype"] = constant.attr().at("dtype");
  *(*node.mutable_attr())["shape"].mutable_shape() = constant.attr().at("value").tensor().tensor_shape();
  (*node.mutable_attr())[kMark].set_b(true);
  return node;
}

}  // namespace

bool HasRunTimeNodes(const tensorflow::GraphDef& graph) {
  const auto& functions = graph.library().function();
  return std::any_of(graph.node().begin(), graph.node().end(), IsMarked) ||
         std::any_of(functions.begin(), functions.end(), [](const auto& function) {
           return std::any_of(function.node_def().begin(), function.node_def().end(), IsMarked);
         });
}

void HideCapturedConstants(tensorflow::MetaGraphDef& meta_graph) {
  if (!meta_graph.has_object_graph_def()) return;
  tensorflow::GraphDef& graph = *meta_graph.mutable_graph_def();
  std::unordered_map<std::string, const NodeDef*> constants;
  std::unordered_set<std::string> names;
  std::unordered_set<std::string> placeholders;
  for (const NodeDef& node : graph.node()) {
    names.insert(node.name());
    if (node.op().rfind("Placeholder", 0) == 0) placeholders.insert(node.name());
    if (IsFloatConstant(node)) constants[node.name()] = &node;
  }
  std::vector<NodeDef> hidden;
  for (NodeDef& node : *graph.mutable_node()) {
    if (!IsCall(node)) continue;
    int first = 0;
    while (first < node.input_size() && placeholders.count(std::string(NodeName(node.input(first)))) != 0) ++first;
    for (int i = first; i < node.input_size(); ++i) {
      const auto constant = constants.find(std::string(NodeName(node.input(i))));
      if (IsControl(node.input(i)) || constant == constants.end()) continue;
      std::string name = ArgumentName(i - first) + "/" + node.name();
      while (!names.insert(name).second) name += '_';
      hidden.push_back(Hidden(*constant->second, name));
      node.set_input(i, name);
    }
  }
  for (NodeDef& node : hidden) *graph.add_node() = std::move(node);
}

}  // namespace tftrt
