#ifndef TFTRT_STATS_H_
#define TFTRT_STATS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tftrt/tensor.h"

namespace tftrt {

// The shapes that one optimization profile of an engine takes: between min and max in every dimension, and tuned for
// opt. One shape for each input of the engine, in its order.
struct EngineProfile {
  std::vector<Shape> min;
  std::vector<Shape> opt;
  std::vector<Shape> max;
};

// "[4, 128]..[8, 384]", inputs separated by commas; a dimension that is fixed stands alone.
TFTRT_EXPORT std::string ToString(const EngineProfile& profile);

// How often an engine's node ran. Times are the host's, until the work is enqueued on
// the GPU; the GPU's own work goes on after that.
struct RunCounts {
  std::uint64_t engine_runs = 0;  // ran on an engine
  std::uint64_t native_runs = 0;  // ran as the native segment
  std::uint64_t refused = 0;      // on_miss = "error"
  std::uint64_t builds = 0;       // ran on an engine that was built inside the request
  double engine_seconds = 0;
  double native_seconds = 0;
  double build_seconds = 0;
};

struct ShapeStats : RunCounts {
  std::vector<Shape> shapes;  // one for each input; empty for all further shapes together, after the first 256
};

// One engine of a model: what is there and what was run.
struct EngineStats : RunCounts {
  std::string name;
  // The segment is part of the graph (on a CPU, without TensorRT, on_mismatch = "native"): there is no engine, and its
  // runs are not counted.
  bool inlined = false;
  std::vector<EngineProfile> profiles;            // explicit batch: what the engine takes
  std::vector<std::vector<Shape>> static_shapes;  // implicit batch: of each engine, the largest batch
  std::vector<ShapeStats> shapes;                 // in order of first use; the counts above are their sums
};

// A snapshot. Every count is exact; counts of calls under way are in it or not.
struct ModelStats {
  std::uint64_t calls = 0;   // of Run, through every handle, that returned or threw
  std::uint64_t errors = 0;  // of them, threw
  std::vector<std::pair<std::string, double>> load_seconds;
  std::vector<EngineStats> engines;
};

// Bytes that a loaded model takes now, and its share of what it shares with others. Exact where it is not called an
// estimate.
struct ModelMemory {
  // What the process's resident memory grew by while the model was loaded: graph, weights, TensorFlow's own. An
  // estimate: other threads allocate too, and TensorFlow keeps what it once had.
  std::uint64_t host_model = 0;
  std::uint64_t host_pinned = 0;  // inputs and outputs in pinned memory, those of runners and arrays handed out too
  // What TensorFlow's pool grew by while the model was loaded and warmed: variables, constants, weights and contexts
  // of engines. An estimate if models are loaded at the same time.
  std::uint64_t gpu_model = 0;
  std::uint64_t gpu_workspaces = 0;  // of execution contexts
  // Inputs and outputs of engines, runners and MakeInput in GPU memory. What TensorFlow's session uses of its pool
  // while it runs, and returns from there, is not in it.
  std::uint64_t gpu_buffers = 0;
  std::uint64_t cuda_graphs = 0;  // their number
  // What the GPU's free memory shrank by while they were made. An estimate: it is taken in large pieces.
  std::uint64_t gpu_graphs = 0;
  std::uint64_t plans = 0;  // the serialised engines' files
};

}  // namespace tftrt

#endif  // TFTRT_STATS_H_
