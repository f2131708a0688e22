#include "runtime/graph_pruning.h"

#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "runtime/graph_walk.h"
#include "tensorflow/cc/saved_model/constants.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"

namespace tftrt {
namespace {

// Collections whose nodes TensorFlow's loader runs.
constexpr const char* kInitCollections[] = {"saved_model_main_op", "legacy_init_op"};
// Where TensorFlow 1 lists the assets, whose tensors the loader feeds.
// Functions with the same value of this attribute are alternatives, of which the optimiser chooses.
constexpr char kAlternatives[] = "api_implements";

class Reachable {
 public:
  explicit Reachable(const tensorflow::GraphDef& graph) {
    for (const auto& node : graph.node()) all_nodes_[node.name()] = &node;
    for (const auto& function : graph.library().function()) {
      all_functions_[function.signature().name()] = &function;
      const auto alternatives = function.attr().find(kAlternatives);
      if (alternatives != function.attr().end()) alternatives_[alternatives->second.s()].push_back(&function);
    }
  }

  void AddTensor(std::string_view tensor) {
    AddNode(NodeName(tensor));
    Follow();
  }

  bool HasNode(const std::string& name) const { return nodes_.count(name) != 0; }
  bool HasFunction(const std::string& name) const { return functions_.count(name) != 0; }

 private:
  void AddNode(std::string_view name) {
    const auto found = all_nodes_.find(name);
    if (found != all_nodes_.end() && nodes_.insert(found->first).second) todo_.push_back(found->second);
  }

  void AddFunction(std::string_view name) {
    const auto found = all_functions_.find(name);
    if (found == all_functions_.end() || !functions_.insert(found->first).second) return;
    for (const tensorflow::NodeDef& node : found->second->node_def()) AddFunctionsOf(node);
    const auto alternatives = found->second->attr().find(kAlternatives);
    if (alternatives == found->second->attr().end()) return;
    for (const auto* function : alternatives_[alternatives->second.s()]) AddFunction(function->signature().name());
  }

  void AddFunctionsOf(const tensorflow::NodeDef& node) {
    AddFunction(node.op());
    for (const auto& [name, attr] : node.attr()) {
      if (attr.has_func()) AddFunction(attr.func().name());
      for (const auto& function : attr.list().func()) AddFunction(function.name());
    }
  }

  void Follow() {
    while (!todo_.empty()) {
      const tensorflow::NodeDef& node = *todo_.back();
      todo_.pop_back();
      for (const std::string& input : node.input()) AddNode(NodeName(input));
      AddFunctionsOf(node);
    }
  }

  std::unordered_map<std::string_view, const tensorflow::NodeDef*> all_nodes_;
  std::unordered_map<std::string_view, const tensorflow::FunctionDef*> all_functions_;
  std::unordered_map<std::string, std::vector<const tensorflow::FunctionDef*>> alternatives_;
  // Views of the names of what is kept, so that they outlive the rest.
  std::unordered_set<std::string_view> nodes_;
  std::unordered_set<std::string_view> functions_;
  std::vector<const tensorflow::NodeDef*> todo_;
};

void AddInfo(const tensorflow::TensorInfo& info, Reachable& reachable) {
  reachable.AddTensor(info.name());
  if (info.has_coo_sparse()) {
    reachable.AddTensor(info.coo_sparse().values_tensor_name());
    reachable.AddTensor(info.coo_sparse().indices_tensor_name());
    reachable.AddTensor(info.coo_sparse().dense_shape_tensor_name());
  }
  for (const auto& component : info.composite_tensor().components()) AddInfo(component, reachable);
}

Reachable FindReachable(const tensorflow::MetaGraphDef& meta_graph, bool with_restore) {
  Reachable reachable(meta_graph.graph_def());
  for (const auto& [name, signature] : meta_graph.signature_def()) {
    for (const auto& [input, info] : signature.inputs()) AddInfo(info, reachable);
    for (const auto& [output, info] : signature.outputs()) AddInfo(info, reachable);
  }
  for (const char* name : kInitCollections) {
    const auto collection = meta_graph.collection_def().find(name);
    if (collection == meta_graph.collection_def().end()) continue;
    for (const std::string& node : collection->second.node_list().value()) reachable.AddTensor(node);
  }
  for (const auto& asset : meta_graph.asset_file_def()) AddInfo(asset.tensor_info(), reachable);
  const auto assets = meta_graph.collection_def().find(tensorflow::kSavedModelAssetsKey);
  if (assets != meta_graph.collection_def().end()) {
    for (const auto& any : assets->second.any_list().value()) {
      tensorflow::AssetFileDef asset;
      if (any.UnpackTo(&asset)) AddInfo(asset.tensor_info(), reachable);
    }
  }
  if (with_restore) {
    reachable.AddTensor(meta_graph.saver_def().filename_tensor_name());
    reachable.AddTensor(meta_graph.saver_def().restore_op_name());
  }
  return reachable;
}

// In place and in order: elements may hold hundreds of megabytes of weights.
template <typename Elements, typename Keep>
void KeepIf(Elements& elements, Keep keep) {
  int kept = 0;
  for (int i = 0; i < elements.size(); ++i) {
    if (!keep(elements.Get(i))) continue;
    if (i != kept) elements.SwapElements(i, kept);
    ++kept;
  }
  elements.DeleteSubrange(kept, elements.size() - kept);
}

}  // namespace

std::unordered_set<std::string> NodesOfSignatures(const tensorflow::MetaGraphDef& meta_graph) {
  const Reachable reachable = FindReachable(meta_graph, /*with_restore=*/false);
  std::unordered_set<std::string> names;
  for (const auto& node : meta_graph.graph_def().node()) {
    if (reachable.HasNode(node.name())) names.insert(node.name());
  }
  return names;
}

void PruneGraph(tensorflow::MetaGraphDef& meta_graph) {
  const Reachable reachable = FindReachable(meta_graph, /*with_restore=*/true);
  tensorflow::GraphDef& graph = *meta_graph.mutable_graph_def();
  tensorflow::FunctionDefLibrary& library = *graph.mutable_library();
  const auto has_function = [&](const std::string& name) { return reachable.HasFunction(name); };
  KeepIf(*graph.mutable_node(), [&](const auto& node) { return reachable.HasNode(node.name()); });
  KeepIf(*library.mutable_function(), [&](const auto& function) { return has_function(function.signature().name()); });
  KeepIf(*library.mutable_gradient(), [&](const auto& gradient) { return has_function(gradient.function_name()); });
}

}  // namespace tftrt
