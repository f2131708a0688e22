#ifndef TFTRT_RUNTIME_GRAPH_WALK_H_
#define TFTRT_RUNTIME_GRAPH_WALK_H_

#include <string_view>

#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/graph.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"

namespace tftrt {

// The node of a tensor or control input: "node" of "node", "node:1", "node:output:1" and "^node".
inline std::string_view NodeName(std::string_view input) {
  if (!input.empty() && input.front() == '^') input.remove_prefix(1);
  return input.substr(0, input.find(':'));
}

// Calls `f` with every node of the graph and of its functions.
template <typename F>
void ForEachNode(const tensorflow::GraphDef& graph, F f) {
  for (const auto& node : graph.node()) f(node);
  for (const auto& function : graph.library().function()) {
    for (const auto& node : function.node_def()) f(node);
  }
}

// The same, to change them.
template <typename F>
void ForEachMutableNode(tensorflow::GraphDef& graph, F f) {
  for (auto& node : *graph.mutable_node()) f(node);
  for (auto& function : *graph.mutable_library()->mutable_function()) {
    for (auto& node : *function.mutable_node_def()) f(node);
  }
}

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_GRAPH_WALK_H_
