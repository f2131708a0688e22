#ifndef TFTRT_RUNTIME_GRAPH_EDITS_H_
#define TFTRT_RUNTIME_GRAPH_EDITS_H_

#include <string>

#include "engines/engine_table.h"
#include "tensorflow/core/protobuf/meta_graph.pb.h"

namespace tftrt {

// Where the model will run.
struct Placement {
  bool gpu = false;
  int gpu_index = 0;

  std::string Name() const { return gpu ? "gpu:" + std::to_string(gpu_index) : "cpu"; }
  // TensorFlow's name of it, "/device:GPU:0"; empty for the CPU.
  std::string Device() const { return gpu ? "/device:GPU:" + std::to_string(gpu_index) : ""; }
};

// How engines run.
enum class EngineUse {
  kInline,   // as their native segments, which become part of the graph
  kEmpty,    // through EngineOp, without the engines that were saved
  kRestore,  // through EngineOp, with the engines that were saved
};

struct GraphPlan {
  std::string path;  // of the SavedModel, for its checkpoint
  Placement placement;
  EngineUse engines = EngineUse::kInline;
  EngineTable* table = nullptr;  // unless engines is kInline
  bool builds = false;           // engines will, or may, be built in the session
  bool converted = false;        // tftrt's converter wrote the graph
};

// Applies every edit of the list in graph_edits.cc, in its order. Edits live in memory: none is ever saved.
// Throws UnsupportedError if the model cannot run that way with the ops that are registered.
void EditGraph(const GraphPlan& plan, tensorflow::MetaGraphDef& meta_graph);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_GRAPH_EDITS_H_
