#include "direct/input_checks.h"

#include <algorithm>

#include "runtime/engine_nodes.h"
#include "runtime/tensor_name.h"
#include "tensorflow/core/framework/attr_value.pb.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_def.pb.h"

namespace tftrt {
namespace {

bool IsCheck(std::string_view op) {
  return op == "Assert" || op == "CheckNumerics" || op == "CheckNumericsV2" || op == "Print" || op == "PrintV2";
}

// A loop may take any time, and an input that is not fed has no value.
bool IsRefused(std::string_view op) {
  return op == kEngineOp || op == "While" || op == "StatelessWhile" || op == "Enter" || op == "RefEnter" ||
         op == "Placeholder" || op == "PlaceholderV2";
}

bool IsStateless(const std::string& op) {
  const tensorflow::OpDef* definition = nullptr;
  if (!tensorflow::OpRegistry::Global()->LookUpOpDef(op, &definition).ok()) return false;
  return !definition->is_stateful() &&
         std::none_of(definition->input_arg().begin(), definition->input_arg().end(),
                      [](const tensorflow::OpDef::ArgDef& input) { return input.is_ref(); });
}

std::vector<std::string> CalledBy(const tensorflow::NodeDef& node) {
  std::vector<std::string> functions;
  for (const auto& [name, attr] : node.attr()) {
    if (attr.has_func()) functions.push_back(attr.func().name());
    for (const auto& function : attr.list().func()) functions.push_back(function.name());
  }
  return functions;
}

}  // namespace

void InputChecks::Add(const InputChecks& others) {
  nodes.insert(others.nodes.begin(), others.nodes.end());
  inputs.insert(others.inputs.begin(), others.inputs.end());
}

bool IsPassingCheck(std::string_view op) {
  return op == "CheckNumerics" || op == "CheckNumericsV2" || op == "EnsureShape" || op == "Print";
}

InputCheckFinder::InputCheckFinder(const tensorflow::GraphDef& graph, const std::vector<std::string>& inputs)
    : inputs_(inputs) {
  for (const auto& node : graph.node()) nodes_.emplace(node.name(), &node);
  for (const auto& function : graph.library().function()) functions_.emplace(function.signature().name(), &function);
}

std::optional<InputChecks> InputCheckFinder::Find(const std::set<std::string>& nodes) const {
  InputChecks checks;
  checks.nodes = nodes;
  std::set<std::string> functions;
  const bool harmless =
      Walk(nodes, checks.inputs, [&](const tensorflow::NodeDef& node) { return IsHarmless(node, functions); });
  if (!harmless) return std::nullopt;
  return checks;
}

std::set<std::string> InputCheckFinder::NodesOf(const InputChecks& checks) const {
  std::set<std::string> names;
  std::set<std::size_t> read;
  Walk(checks.nodes, read, [&](const tensorflow::NodeDef& node) {
    names.insert(node.name());
    return true;
  });
  return names;
}

bool InputCheckFinder::IsHarmless(const tensorflow::NodeDef& node, std::set<std::string>& functions) const {
  const std::vector<std::string> called = CalledBy(node);
  if (IsRefused(node.op())) return false;
  if (called.empty()) return IsCheck(node.op()) || IsStateless(node.op());
  return std::all_of(called.begin(), called.end(),
                     [&](const std::string& function) { return IsHarmless(function, functions); });
}

bool InputCheckFinder::IsHarmless(const std::string& function, std::set<std::string>& functions) const {
  if (!functions.insert(function).second) return true;
  const auto found = functions_.find(function);
  if (found == functions_.end()) return false;
  const auto& nodes = found->second->node_def();
  return std::all_of(nodes.begin(), nodes.end(),
                     [&](const tensorflow::NodeDef& node) { return IsHarmless(node, functions); });
}

template <typename Visit>
bool InputCheckFinder::Walk(const std::set<std::string>& names, std::set<std::size_t>& read, const Visit& visit) const {
  std::set<std::string> seen;
  std::vector<std::string> next(names.begin(), names.end());
  while (!next.empty()) {
    const std::string name = std::move(next.back());
    next.pop_back();
    if (!seen.insert(name).second) continue;
    const auto fed = std::find_if(inputs_.begin(), inputs_.end(),
                                  [&](const std::string& tensor) { return NodeName(tensor) == name; });
    if (fed != inputs_.end()) {
      read.insert(static_cast<std::size_t>(fed - inputs_.begin()));
      continue;
    }
    const auto node = nodes_.find(name);
    if (node == nodes_.end() || !visit(*node->second)) return false;
    for (const std::string& input : node->second->input()) next.emplace_back(NodeName(input));
  }
  return true;
}

}  // namespace tftrt
