#ifndef TFTRT_RUNTIME_GRAPH_WALK_H_
#define TFTRT_RUNTIME_GRAPH_WALK_H_

#include "runtime/tensor_name.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/graph.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"

namespace tftrt {

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
