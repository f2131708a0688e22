#include "runtime/captured_variables.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "runtime/graph_pruning.h"
#include "runtime/tensor_name.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/framework/tensor.pb.h"
#include "tensorflow/core/protobuf/saved_object_graph.pb.h"
#include "tensorflow/core/protobuf/trackable_object_graph.pb.h"
#include "tensorflow/core/util/tensor_bundle/tensor_bundle.h"
#include "tf/status.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

using tensorflow::FunctionDef;
using tensorflow::NodeDef;

constexpr char kHandle[] = "VarHandleOp";
constexpr char kObjectGraphKey[] = "_CHECKPOINTABLE_OBJECT_GRAPH";
constexpr char kVariableValue[] = "VARIABLE_VALUE";
constexpr char kRestore[] = "tftrt/restore_captured";
constexpr char kCheck[] = "tftrt/has_value/";

bool IsCall(const NodeDef& node) { return node.op() == "StatefulPartitionedCall" || node.op() == "PartitionedCall"; }

std::string CalledFunction(const NodeDef& node) {
  const auto called = node.attr().find("f");
  return called == node.attr().end() ? "" : called->second.func().name();
}

std::vector<int> DataInputs(const NodeDef& node) {
  std::vector<int> inputs;
  for (int i = 0; i < node.input_size(); ++i) {
    if (!IsControl(node.input(i))) inputs.push_back(i);
  }
  return inputs;
}

// The graph's nodes and functions by their names.
class Names {
 public:
  explicit Names(const tensorflow::GraphDef& graph) {
    for (const NodeDef& node : graph.node()) nodes_[node.name()] = &node;
    for (const FunctionDef& function : graph.library().function()) functions_[function.signature().name()] = &function;
  }

  const NodeDef* Node(std::string_view input) const { return Find(nodes_, NodeName(input)); }
  const FunctionDef* Function(const std::string& name) const { return Find(functions_, name); }
  bool IsHandle(std::string_view input) const {
    const NodeDef* node = Node(input);
    return node != nullptr && node->op() == kHandle;
  }

 private:
  template <typename Map>
  static auto Find(const Map& map, std::string_view name) -> decltype(map.begin()->second) {
    const auto found = map.find(name);
    return found == map.end() ? nullptr : found->second;
  }

  std::unordered_map<std::string_view, const NodeDef*> nodes_;
  std::unordered_map<std::string_view, const FunctionDef*> functions_;
};

// The node of the object graph that each handle is captured for: by its place among the inputs of the calls of
// functions that the object graph describes. Names do not tell: two handles may bear one.
std::map<std::string, int> CapturedHandles(const tensorflow::MetaGraphDef& meta_graph, const Names& names) {
  std::map<std::string, int> captured;
  const auto& functions = meta_graph.object_graph_def().concrete_functions();
  for (const NodeDef& node : meta_graph.graph_def().node()) {
    if (!IsCall(node)) continue;
    const auto function = functions.find(CalledFunction(node));
    if (function == functions.end()) continue;
    const auto& bound = function->second.bound_inputs();
    const std::vector<int> inputs = DataInputs(node);
    // The caller's own inputs come first.
    if (inputs.size() < static_cast<std::size_t>(bound.size())) continue;
    const std::size_t first = inputs.size() - static_cast<std::size_t>(bound.size());
    for (int i = 0; i < bound.size(); ++i) {
      const std::string& input = node.input(inputs[first + static_cast<std::size_t>(i)]);
      if (names.IsHandle(input)) captured.emplace(NodeName(input), bound.Get(i));
    }
  }
  return captured;
}

// The checkpoint's key of each variable of the object graph; the checkpoint counts its nodes as the object graph does.
std::vector<std::string> CheckpointKeys(const std::string& path) {
  const std::string prefix = path + "/variables/variables";
  tensorflow::BundleReader reader(tensorflow::Env::Default(), prefix);
  tensorflow::Tensor bytes(tensorflow::DT_STRING, tensorflow::TensorShape());
  std::vector<std::string> keys;
  if (!reader.Contains(kObjectGraphKey)) return keys;
  ThrowIfLoadError(reader.Lookup(kObjectGraphKey, &bytes), "reading " + prefix);
  tensorflow::TrackableObjectGraph objects;
  if (!objects.ParseFromString(std::string(bytes.scalar<tensorflow::tstring>()()))) {
    throw ModelError(prefix +
                     " has an object graph that cannot be read: it is damaged; copy or export the model again");
  }
  for (const auto& object : objects.nodes()) {
    std::string& key = keys.emplace_back();
    for (const auto& attribute : object.attributes()) {
      if (attribute.name() == kVariableValue) key = attribute.checkpoint_key();
    }
  }
  return keys;
}

// What a function that restores a checkpoint does: the key of each argument that it assigns a tensor to.
class RestoreFunction {
 public:
  explicit RestoreFunction(const FunctionDef& function) {
    for (const NodeDef& node : function.node_def()) nodes_[node.name()] = &node;
    for (int i = 0; i < function.signature().input_arg_size(); ++i) {
      positions_[function.signature().input_arg(i).name()] = i;
    }
    for (const NodeDef& node : function.node_def()) {
      if (node.op() != "AssignVariableOp" || node.input_size() < 2) continue;
      const auto position = positions_.find(node.input(0));
      const std::string key = KeyOf(node.input(1));
      if (position != positions_.end() && !key.empty()) arguments_.emplace(key, position->second);
    }
  }

  std::optional<int> ArgumentOf(const std::string& key) const {
    const auto argument = arguments_.find(key);
    if (argument == arguments_.end()) return std::nullopt;
    return argument->second;
  }

 private:
  const NodeDef* Node(std::string_view input) const {
    const auto node = nodes_.find(NodeName(input));
    return node == nodes_.end() ? nullptr : node->second;
  }

  // "RestoreV2:tensors:3", perhaps behind an Identity.
  std::string KeyOf(std::string_view tensor) const {
    const NodeDef* node = Node(tensor);
    while (node != nullptr && node->op() == "Identity" && node->input_size() > 0) {
      tensor = node->input(0);
      node = Node(tensor);
    }
    if (node == nullptr || node->op() != "RestoreV2" || node->input_size() < 2) return "";
    const NodeDef* keys = Node(node->input(1));
    if (keys == nullptr || keys->op() != "Const") return "";
    tensorflow::Tensor values;
    const auto value = keys->attr().find("value");
    if (value == keys->attr().end() || !values.FromProto(value->second.tensor())) return "";
    const std::optional<TensorName> name = ParseTensorName(tensor);
    if (!name || values.dtype() != tensorflow::DT_STRING || name->index >= values.NumElements()) return "";
    return values.flat<tensorflow::tstring>()(name->index);
  }

  std::unordered_map<std::string_view, const NodeDef*> nodes_;
  std::unordered_map<std::string, int> positions_;
  std::unordered_map<std::string, int> arguments_;
};

struct Variable {
  std::string handle;
  std::string key;
};

// Ops that restore `variables` beside the restore op, from the file that it is fed with.
void AddRestores(const std::vector<Variable>& variables, const Names& names, tensorflow::MetaGraphDef& meta_graph) {
  tensorflow::GraphDef& graph = *meta_graph.mutable_graph_def();
  const auto count = static_cast<std::int64_t>(variables.size());
  tensorflow::Tensor keys(tensorflow::DT_STRING, {count});
  NodeDef restore;
  restore.set_name(std::string(kRestore) + "/values");
  restore.set_op("RestoreV2");
  auto& types = *(*restore.mutable_attr())["dtypes"].mutable_list();
  for (std::int64_t i = 0; i < count; ++i) {
    const Variable& variable = variables[static_cast<std::size_t>(i)];
    keys.flat<tensorflow::tstring>()(i) = variable.key;
    types.add_type(names.Node(variable.handle)->attr().at("dtype").type());
  }
  const auto add_strings = [&](const std::string& name, const tensorflow::Tensor& strings) {
    NodeDef& node = *graph.add_node();
    node.set_name(std::string(kRestore) + name);
    node.set_op("Const");
    (*node.mutable_attr())["dtype"].set_type(tensorflow::DT_STRING);
    strings.AsProtoTensorContent((*node.mutable_attr())["value"].mutable_tensor());
    return node.name();
  };
  restore.add_input(meta_graph.saver_def().filename_tensor_name());
  restore.add_input(add_strings("/keys", keys));
  restore.add_input(add_strings("/slices", tensorflow::Tensor(tensorflow::DT_STRING, {count})));
  NodeDef all;
  all.set_name(kRestore);
  all.set_op("NoOp");
  all.add_input("^" + std::string(NodeName(meta_graph.saver_def().restore_op_name())));
  for (int i = 0; i < static_cast<int>(count); ++i) {
    NodeDef& assign = *graph.add_node();
    assign.set_name(std::string(kRestore) + "/assign_" + std::to_string(i));
    assign.set_op("AssignVariableOp");
    assign.add_input(variables[static_cast<std::size_t>(i)].handle);
    assign.add_input(restore.name() + ":" + std::to_string(i));
    (*assign.mutable_attr())["dtype"].set_type(types.type(i));
    all.add_input("^" + assign.name());
  }
  *graph.add_node() = std::move(restore);
  *graph.add_node() = std::move(all);
  meta_graph.mutable_saver_def()->set_restore_op_name(kRestore);
}

// Whether a variable's handle is only read, by the graph or by the functions that get it.
class Readers {
 public:
  explicit Readers(const tensorflow::GraphDef& graph) {
    for (const FunctionDef& function : graph.library().function()) functions_[function.signature().name()] = &function;
    for (const NodeDef& node : graph.node()) {
      for (int i = 0; i < node.input_size(); ++i) {
        if (!IsControl(node.input(i))) consumers_[NodeName(node.input(i))].emplace_back(&node, i);
      }
    }
  }

  bool OnlyRead(std::string_view handle) {
    const auto consumers = consumers_.find(handle);
    if (consumers == consumers_.end()) return false;
    return std::all_of(consumers->second.begin(), consumers->second.end(),
                       [this](const auto& consumer) { return Reads(*consumer.first, consumer.second); });
  }

 private:
  bool Reads(const NodeDef& node, int input) {
    static const std::set<std::string_view> readers = {"ReadVariableOp", "ResourceGather", "ResourceGatherNd"};
    if (readers.count(node.op()) != 0) return true;
    if (!IsCall(node)) return false;
    const auto function = functions_.find(CalledFunction(node));
    if (function == functions_.end() || input >= function->second->signature().input_arg_size()) return false;
    const std::string& argument = function->second->signature().input_arg(input).name();
    for (const NodeDef& inner : function->second->node_def()) {
      for (int i = 0; i < inner.input_size(); ++i) {
        if (inner.input(i) == argument && !Reads(inner, i)) return false;
      }
    }
    return true;
  }

  std::unordered_map<std::string_view, const FunctionDef*> functions_;
  std::unordered_map<std::string_view, std::vector<std::pair<const NodeDef*, int>>> consumers_;
};

}  // namespace

void RestoreCapturedVariables(const std::string& path, tensorflow::MetaGraphDef& meta_graph) {
  const std::string restore_name(NodeName(meta_graph.saver_def().restore_op_name()));
  if (restore_name.empty() || meta_graph.object_graph_def().nodes().empty()) return;
  const Names names(meta_graph.graph_def());
  const NodeDef* restore = names.Node(restore_name);
  const FunctionDef* function = restore == nullptr ? nullptr : names.Function(CalledFunction(*restore));
  if (function == nullptr) return;
  std::unordered_set<std::string_view> restored;
  for (const std::string& input : restore->input()) restored.insert(NodeName(input));
  std::map<std::string, int> captured = CapturedHandles(meta_graph, names);
  for (auto handle = captured.begin(); handle != captured.end();) {
    handle = restored.count(handle->first) == 0 ? std::next(handle) : captured.erase(handle);
  }
  if (captured.empty()) return;

  const std::vector<std::string> keys = CheckpointKeys(path);
  const std::unordered_set<std::string> needed = NodesOfSignatures(meta_graph);
  const RestoreFunction arguments(*function);
  const std::vector<int> inputs = DataInputs(*restore);
  std::map<int, std::string> replaced;  // inputs of the restore op
  std::vector<Variable> added;
  for (const auto& [handle, object] : captured) {
    const std::string key = object < static_cast<int>(keys.size()) ? keys[static_cast<std::size_t>(object)] : "";
    if (key.empty() || needed.count(handle) == 0) continue;
    const std::optional<int> argument = arguments.ArgumentOf(key);
    const int input =
        argument && *argument < static_cast<int>(inputs.size()) ? inputs[static_cast<std::size_t>(*argument)] : -1;
    const bool free = input >= 0 && needed.count(std::string(NodeName(restore->input(input)))) == 0;
    if (free && replaced.emplace(input, handle).second) continue;
    added.push_back({handle, key});
  }
  if (!added.empty()) AddRestores(added, names, meta_graph);
  for (NodeDef& node : *meta_graph.mutable_graph_def()->mutable_node()) {
    if (node.name() != restore_name) continue;
    for (const auto& [input, handle] : replaced) node.set_input(input, handle);
  }
}

void AddVariableChecks(tensorflow::MetaGraphDef& meta_graph) {
  tensorflow::GraphDef& graph = *meta_graph.mutable_graph_def();
  const Names names(graph);
  std::unordered_set<std::string> restored;
  if (const NodeDef* restore = names.Node(meta_graph.saver_def().restore_op_name())) {
    for (const std::string& input : restore->input()) restored.insert(std::string(NodeName(input)));
  }
  Readers readers(graph);
  std::vector<std::string> unsure;
  for (const NodeDef& node : graph.node()) {
    if (node.op() != kHandle || restored.count(node.name()) != 0) continue;
    if (readers.OnlyRead(node.name())) unsure.push_back(node.name());
  }
  for (const std::string& handle : unsure) {
    NodeDef& check = *graph.add_node();
    check.set_name(kCheck + handle);
    check.set_op("VarIsInitializedOp");
    check.add_input(handle);
  }
}

void RequireCapturedVariables(const tensorflow::MetaGraphDef& meta_graph, const std::string& path,
                              tensorflow::Session& session) {
  const std::string_view prefix = kCheck;
  std::vector<std::string> checks;
  for (const NodeDef& node : meta_graph.graph_def().node()) {
    if (node.name().compare(0, prefix.size(), prefix) == 0) checks.push_back(node.name());
  }
  if (checks.empty()) return;
  std::vector<tensorflow::Tensor> results;
  ThrowIfLoadError(session.Run({}, checks, {}, &results), "looking for variables without values");
  for (std::size_t i = 0; i < checks.size(); ++i) {
    if (results[i].scalar<bool>()()) continue;
    throw ModelError("the graph of \"" + path + "\" reads the variable \"" + checks[i].substr(prefix.size()) +
                     "\", which neither its checkpoint nor an initialiser gives a value. Export the model with its "
                     "variables initialised: with Keras, by model.export()");
  }
}

}  // namespace tftrt
