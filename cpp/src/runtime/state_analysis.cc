#include "runtime/state_analysis.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "runtime/tensor_name.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_def.pb.h"

namespace tftrt {
namespace {

bool IsRandomOp(std::string_view op) {
  static const std::set<std::string_view> ops = {"Multinomial", "ParameterizedTruncatedNormal", "TruncatedNormal",
                                                 "GenerateUnigramCandidates"};
  return ops.count(op) != 0 || op.substr(0, 6) == "Random" || op.find("CandidateSampler") != std::string_view::npos ||
         op.substr(0, 16) == "StatefulStandard" || op.substr(0, 14) == "StatefulRandom" ||
         op.substr(0, 15) == "StatefulUniform" || op.substr(0, 17) == "StatefulTruncated";
}

// Ops that are marked as stateful, or have references, and leave everything as it is. Calls are as their functions are.
bool OnlyReads(std::string_view op) {
  static const std::set<std::string_view> ops = {"AnonymousHashTable",
                                                 "Assert",
                                                 "Case",
                                                 "CheckNumerics",
                                                 "CheckNumericsV2",
                                                 "HashTable",
                                                 "HashTableV2",
                                                 "If",
                                                 "IsVariableInitialized",
                                                 "LookupTableExport",
                                                 "LookupTableExportV2",
                                                 "LookupTableFind",
                                                 "LookupTableFindV2",
                                                 "LookupTableSize",
                                                 "LookupTableSizeV2",
                                                 "MutableDenseHashTableV2",
                                                 "MutableHashTableOfTensorsV2",
                                                 "MutableHashTableV2",
                                                 "MatchingFiles",
                                                 "ReadFile",
                                                 "ReadVariableOp",
                                                 "RefEnter",
                                                 "RefExit",
                                                 "RefIdentity",
                                                 "RefMerge",
                                                 "RefNextIteration",
                                                 "RefSelect",
                                                 "RefSwitch",
                                                 "ResourceGather",
                                                 "ResourceGatherNd",
                                                 "StatefulPartitionedCall",
                                                 "TRTEngineOp",
                                                 "VarHandleOp",
                                                 "VarIsInitializedOp",
                                                 "Variable",
                                                 "VariableShape",
                                                 "VariableV2",
                                                 "While",
                                                 "XlaLaunch"};
  // The arrays of a loop live for one run, and what orders their reads and writes is data.
  return ops.count(op) != 0 || op.substr(0, 11) == "TensorArray";
}

bool IsEffect(const tensorflow::NodeDef& node, bool is_function) {
  if (is_function || OnlyReads(node.op())) return false;
  // Of those with a state, one for each node: nobody else sees it.
  if (IsRandomOp(node.op()) && node.op().substr(0, 8) != "Stateful") return false;
  const tensorflow::OpDef* definition = nullptr;
  if (!tensorflow::OpRegistry::Global()->LookUpOpDef(node.op(), &definition).ok()) return true;
  const auto& inputs = definition->input_arg();
  return definition->is_stateful() ||
         std::any_of(inputs.begin(), inputs.end(), [](const auto& input) { return input.is_ref(); });
}

}  // namespace

StateAnalysis::StateAnalysis(const tensorflow::GraphDef& graph) {
  for (const auto& node : graph.node()) nodes_[node.name()] = &node;
  for (const auto& function : graph.library().function()) functions_[function.signature().name()] = &function;
}

GraphParts StateAnalysis::PartsOf(const std::vector<std::string>& outputs) const {
  GraphParts parts;
  std::vector<const tensorflow::NodeDef*> nodes;
  std::vector<const tensorflow::FunctionDef*> functions;
  const auto add_node = [&](std::string_view tensor) {
    const auto node = nodes_.find(std::string(NodeName(tensor)));
    if (node != nodes_.end() && parts.nodes.insert(node->first).second) nodes.push_back(node->second);
  };
  const auto add_function = [&](const std::string& name) {
    const auto function = functions_.find(name);
    if (function != functions_.end() && parts.functions.insert(name).second) functions.push_back(function->second);
  };
  const auto add_called = [&](const tensorflow::NodeDef& node) {
    add_function(node.op());
    for (const auto& [name, attr] : node.attr()) {
      if (attr.has_func()) add_function(attr.func().name());
      for (const auto& function : attr.list().func()) add_function(function.name());
    }
  };
  for (const std::string& output : outputs) add_node(output);
  while (!nodes.empty()) {
    const tensorflow::NodeDef& node = *nodes.back();
    nodes.pop_back();
    for (const std::string& input : node.input()) add_node(input);
    add_called(node);
  }
  while (!functions.empty()) {
    const tensorflow::FunctionDef& function = *functions.back();
    functions.pop_back();
    for (const auto& node : function.node_def()) add_called(node);
  }
  return parts;
}

template <typename Predicate>
bool StateAnalysis::Any(const GraphParts& parts, Predicate predicate) const {
  for (const std::string& name : parts.nodes) {
    if (predicate(*nodes_.at(name))) return true;
  }
  for (const std::string& name : parts.functions) {
    const auto& body = functions_.at(name)->node_def();
    if (std::any_of(body.begin(), body.end(), predicate)) return true;
  }
  return false;
}

bool StateAnalysis::HasEffects(const GraphParts& parts) const {
  return Any(parts, [this](const auto& node) { return IsEffect(node, functions_.count(node.op()) != 0); });
}

bool StateAnalysis::IsRandom(const GraphParts& parts) const {
  return Any(parts, [](const auto& node) { return IsRandomOp(node.op()); });
}

}  // namespace tftrt
