#include "runtime/factor_edit.h"

#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/tensor_name.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tensorflow/core/framework/tensor.pb.h"

namespace tftrt {
namespace {

using tensorflow::NodeDef;
using Nodes = google::protobuf::RepeatedPtrField<NodeDef>;

bool IsScalar(const NodeDef& node) {
  const auto value = node.attr().find("value");
  return node.op() == "Const" && value != node.attr().end() && value->second.tensor().tensor_shape().dim().empty() &&
         !value->second.tensor().tensor_shape().unknown_rank();
}

void KeepFactorsIn(Nodes& nodes, bool is_function) {
  std::unordered_map<std::string, NodeDef*> by_name;
  for (NodeDef& node : nodes) by_name[node.name()] = &node;
  const auto producer = [&](const std::string& input) -> NodeDef* {
    const auto found = by_name.find(std::string(NodeName(input)));
    return found == by_name.end() ? nullptr : found->second;
  };
  std::vector<NodeDef*> products;
  for (const NodeDef& node : nodes) {
    if ((node.op() != "Conv2D" && node.op() != "Conv3D") || node.input().empty()) continue;
    NodeDef* product = producer(node.input(0));
    if (product != nullptr && product->op() == "Mul" && product->input_size() >= 2) products.push_back(product);
  }
  for (NodeDef* product : products) {
    for (int i = 0; i < 2; ++i) {
      const NodeDef* factor = producer(product->input(i));
      if (factor == nullptr || !IsScalar(*factor)) continue;
      const std::string name = product->name() + "/tftrt_factor_" + std::to_string(i);
      if (by_name.count(name) != 0) continue;
      NodeDef& vector = *nodes.Add();
      vector = *factor;
      vector.set_name(name);
      (*vector.mutable_attr())["value"].mutable_tensor()->mutable_tensor_shape()->add_dim()->set_size(1);
      vector.mutable_attr()->erase("_output_shapes");
      product->set_input(i, is_function ? name + ":output:0" : name);
      by_name[name] = &vector;
    }
  }
}

}  // namespace

void KeepFactors(tensorflow::GraphDef& graph) {
  KeepFactorsIn(*graph.mutable_node(), false);
  for (auto& function : *graph.mutable_library()->mutable_function()) {
    KeepFactorsIn(*function.mutable_node_def(), true);
  }
}

}  // namespace tftrt
