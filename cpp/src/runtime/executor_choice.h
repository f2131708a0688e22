#ifndef TFTRT_RUNTIME_EXECUTOR_CHOICE_H_
#define TFTRT_RUNTIME_EXECUTOR_CHOICE_H_

#include <string>
#include <vector>

#include "tensorflow/core/framework/graph.pb.h"

namespace tftrt {

inline constexpr char kSingleThreadedExecutor[] = "SINGLE_THREADED_EXECUTOR";

struct ExecutorChoice {
  bool single = false;
  std::string reason;
};

// Whether a run may wait for another run or for another op of the same one, as what takes from a queue does, and so for
// ever.
bool MayBlock(const tensorflow::GraphDef& graph);

// Whether TensorFlow's single-threaded executor takes every op of the graph and its functions; if not, the reason
// names the op.
ExecutorChoice CanRunSingleThreaded(const tensorflow::GraphDef& graph);

// The executor that computes each of `outputs` (the tensor names of one signature each) on a CPU with the least
// latency: single-threaded where that is possible, unless a signature has heavy work that could run side by side. With
// `onednn`, TensorFlow has oneDNN's kernels switched on; what the parallel executor runs with them, it runs.
ExecutorChoice ChooseCpuExecutor(const tensorflow::GraphDef& graph,
                                 const std::vector<std::vector<std::string>>& outputs, bool onednn);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_EXECUTOR_CHOICE_H_
