#ifndef TFTRT_RUNTIME_GRAPH_PRUNING_H_
#define TFTRT_RUNTIME_GRAPH_PRUNING_H_

#include <string>
#include <unordered_set>

#include "tensorflow/core/protobuf/meta_graph.pb.h"

namespace tftrt {

// Removes the nodes and functions that neither a signature nor loading (restoring variables, initialisers) needs:
// those that save a checkpoint, above all. TensorFlow's optimiser and executors take time for each of them.
void PruneGraph(tensorflow::MetaGraphDef& meta_graph);

// Names of the nodes that signatures and initialisers need; what only restoring needs is not among them.
std::unordered_set<std::string> NodesOfSignatures(const tensorflow::MetaGraphDef& meta_graph);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_GRAPH_PRUNING_H_
