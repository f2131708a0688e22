#ifndef TFTRT_RUNTIME_GRAPH_EDITS_H_
#define TFTRT_RUNTIME_GRAPH_EDITS_H_

#include <string>

#include "tensorflow/core/protobuf/meta_graph.pb.h"

namespace tftrt {

// Where the model will run.
struct Placement {
  bool gpu = false;
  int gpu_index = 0;
  bool tensorrt = false;  // on a GPU: TensorRT was found

  std::string Name() const { return gpu ? "gpu:" + std::to_string(gpu_index) : "cpu"; }
};

// Applies every edit of the list in graph_edits.cc, in its order. Edits live in memory: none is ever saved.
// Throws UnsupportedError if the model cannot run at `placement` with the ops that are registered.
void EditGraph(const Placement& placement, tensorflow::MetaGraphDef& meta_graph);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_GRAPH_EDITS_H_
