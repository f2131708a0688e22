#ifndef TFTRT_DIRECT_ENGINE_INSTANCE_H_
#define TFTRT_DIRECT_ENGINE_INSTANCE_H_

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "direct/repeated_run.h"
#include "direct/shaped_execution.h"
#include "direct/staged_runs.h"
#include "engines/engine_source.h"

namespace tftrt {

enum class CudaGraphs { kAuto, kOn, kOff };

// Throws InvalidArgumentError for anything but "auto", "on" and "off".
CudaGraphs ParseCudaGraphs(const std::string& cuda_graphs);

// Runs one engine, one request after another, with a workspace of its own. Not thread-safe: see
// InstancePool. To be called with the GPU made current.
class EngineInstance {
 public:
  struct Options {
    CudaGraphs cuda_graphs = CudaGraphs::kAuto;
    CudaStream stream = nullptr;  // where runs are queued; null: one of its own
  };

  EngineInstance(const GpuDevice& gpu, std::unique_ptr<const EngineSource> source, EngineTypes types,
                 const Options& options);
  EngineInstance(const EngineInstance&) = delete;
  EngineInstance& operator=(const EngineInstance&) = delete;
  ~EngineInstance();

  const GpuDevice& gpu() const { return gpu_; }
  CudaStream stream() const { return stream_; }
  const EngineTypes& types() const { return types_; }

  // An execution with these shapes set, and what was staged for it. Valid until the next call.
  struct Ready {
    ShapedExecution& execution;
    StagedRuns& staged;
  };
  Ready Prepare(const ShapeKey& key);

  // Queues a run of what Prepare returned; run.over() is its end. Throws UnsupportedError if it shall be a graph
  // (CudaGraphs::kOn) and cannot.
  void Queue(ShapedExecution& execution, RepeatedRun& run);

 private:
  struct Entry {
    explicit Entry(std::unique_ptr<EngineExecution> engine) : execution(std::move(engine)) {}
    ShapedExecution execution;
    StagedRuns staged;
  };

  Entry& Find(const ShapeKey& key);
  // For all entries.
  void ReserveWorkspace();
  bool Capture(ShapedExecution& execution, RepeatedRun& run);
  void Wait() const { CheckCuda(GetCuda().StreamSynchronize(stream_), "waiting for the GPU"); }

  const GpuDevice& gpu_;
  const Options options_;
  const std::unique_ptr<const EngineSource> source_;
  const EngineTypes types_;
  CudaStream own_stream_ = nullptr;  // to capture in, where nobody else queues anything
  CudaStream stream_ = nullptr;
  DeviceBuffer workspace_{&MemoryCounters::gpu_workspaces};
  std::deque<Entry> entries_;
  std::vector<std::pair<ShapeKey, Entry*>> known_;
};

}  // namespace tftrt

#endif  // TFTRT_DIRECT_ENGINE_INSTANCE_H_
