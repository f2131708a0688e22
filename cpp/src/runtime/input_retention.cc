#include "runtime/input_retention.h"

#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "runtime/graph_walk.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_def.pb.h"

namespace tftrt {
namespace {

// Stateful ops that only read what they are given.
bool OnlyReads(std::string_view op) {
  static const std::set<std::string_view> ops = {"Assert",
                                                 "Case",
                                                 "If",
                                                 "LookupTableFind",
                                                 "LookupTableFindV2",
                                                 "LookupTableSize",
                                                 "LookupTableSizeV2",
                                                 "Multinomial",
                                                 "PartitionedCall",
                                                 "Print",
                                                 "PrintV2",
                                                 "ReadVariableOp",
                                                 "ResourceGather",
                                                 "ResourceGatherNd",
                                                 "StatefulPartitionedCall",
                                                 "TruncatedNormal",
                                                 "VariableShape",
                                                 "While"};
  return ops.count(op) != 0 || op.substr(0, 6) == "Random";
}

class RetentionAnalysis {
 public:
  explicit RetentionAnalysis(const tensorflow::GraphDef& graph) {
    for (const auto& function : graph.library().function()) functions_[function.signature().name()] = &function;
    for (const auto& node : graph.node()) {
      for (const std::string& input : node.input()) {
        if (IsControl(input)) continue;
        consumers_[NodeName(input)].push_back(&node);
      }
    }
  }

  bool MayBeRetained(std::string_view tensor) {
    std::unordered_set<std::string_view> seen;
    std::vector<std::string_view> reached = {NodeName(tensor)};
    while (!reached.empty()) {
      const std::string_view name = reached.back();
      reached.pop_back();
      if (!seen.insert(name).second) continue;
      const auto consumers = consumers_.find(name);
      if (consumers == consumers_.end()) continue;
      for (const tensorflow::NodeDef* node : consumers->second) {
        if (Stores(*node)) return true;
        reached.push_back(node->name());
      }
    }
    return false;
  }

 private:
  bool Stores(const tensorflow::NodeDef& node) {
    for (const auto& [name, attr] : node.attr()) {
      if (attr.has_func() && FunctionStores(attr.func().name())) return true;
      for (const auto& function : attr.list().func()) {
        if (FunctionStores(function.name())) return true;
      }
    }
    if (functions_.count(node.op()) != 0) return FunctionStores(node.op());
    if (OnlyReads(node.op())) return false;
    if (node.op().rfind("Inplace", 0) == 0) return true;  // writes to what it is given
    const tensorflow::OpDef* definition = nullptr;
    if (!tensorflow::OpRegistry::Global()->LookUpOpDef(node.op(), &definition).ok()) return true;
    if (definition->is_stateful()) return true;
    for (const auto& arg : definition->input_arg()) {
      if (arg.is_ref()) return true;
    }
    return false;
  }

  bool FunctionStores(const std::string& name) {
    const auto function = functions_.find(name);
    if (function == functions_.end()) return false;
    const auto known = stores_.find(name);
    if (known != stores_.end()) return known->second;
    stores_[name] = false;  // ends recursion
    for (const auto& node : function->second->node_def()) {
      if (Stores(node)) return stores_[name] = true;
    }
    return false;
  }

  std::unordered_map<std::string_view, const tensorflow::FunctionDef*> functions_;
  std::unordered_map<std::string_view, std::vector<const tensorflow::NodeDef*>> consumers_;
  std::unordered_map<std::string, bool> stores_;
};

}  // namespace

std::vector<bool> MayBeRetained(const tensorflow::GraphDef& graph, const std::vector<std::string>& inputs) {
  RetentionAnalysis analysis(graph);
  std::vector<bool> retained;
  for (const std::string& input : inputs) retained.push_back(analysis.MayBeRetained(input));
  return retained;
}

}  // namespace tftrt
