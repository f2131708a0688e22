#include "runtime/extremes_edit.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/tensor_name.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"

namespace tftrt {
namespace {

using tensorflow::NodeDef;
using Nodes = google::protobuf::RepeatedPtrField<NodeDef>;

bool FindsExtremes(const NodeDef& node) { return node.op() == "ArgMax" || node.op() == "ArgMin"; }

// `results`: the tensors that leave the nodes.
void KeepExtremesIn(Nodes& nodes, const std::vector<std::string>& results, bool is_function) {
  std::map<std::string, int, std::less<>> readers;
  std::set<std::string> names;
  for (const NodeDef& node : nodes) {
    names.insert(node.name());
    for (const std::string& input : node.input()) {
      if (!IsControl(input)) ++readers[std::string(NodeName(input))];
    }
  }
  for (const std::string& result : results) ++readers[std::string(NodeName(result))];
  std::vector<NodeDef> added;
  for (NodeDef& node : nodes) {
    if (!FindsExtremes(node) || node.input().empty() || node.attr().count("T") == 0) continue;
    if (readers[std::string(NodeName(node.input(0)))] < 2) continue;
    std::string name = node.name() + "/input";
    while (!names.insert(name).second) name += '_';
    // The optimiser removes an Identity, and looks through it.
    NodeDef& apart = added.emplace_back();
    apart.set_name(name);
    apart.set_op("PlaceholderWithDefault");
    apart.set_device(node.device());
    apart.add_input(node.input(0));
    (*apart.mutable_attr())["dtype"] = node.attr().at("T");
    (*apart.mutable_attr())["shape"].mutable_shape()->set_unknown_rank(true);
    node.set_input(0, is_function ? name + ":output:0" : name);
  }
  for (NodeDef& node : added) *nodes.Add() = std::move(node);
}

}  // namespace

void KeepExtremes(tensorflow::MetaGraphDef& meta_graph) {
  std::vector<std::string> outputs;
  for (const auto& [name, signature] : meta_graph.signature_def()) {
    for (const auto& [output, info] : signature.outputs()) outputs.push_back(info.name());
  }
  KeepExtremesIn(*meta_graph.mutable_graph_def()->mutable_node(), outputs, false);
  for (auto& function : *meta_graph.mutable_graph_def()->mutable_library()->mutable_function()) {
    std::vector<std::string> results;
    for (const auto& [name, tensor] : function.ret()) results.push_back(tensor);
    KeepExtremesIn(*function.mutable_node_def(), results, true);
  }
}

}  // namespace tftrt
