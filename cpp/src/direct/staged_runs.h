#ifndef TFTRT_DIRECT_STAGED_RUNS_H_
#define TFTRT_DIRECT_STAGED_RUNS_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "api/call_limits.h"
#include "direct/repeated_run.h"
#include "direct/shaped_execution.h"

namespace tftrt {

// For each input or output, whether it is on the GPU.
struct StagedPlaces {
  std::vector<bool> inputs;
  std::vector<bool> outputs;

  bool operator==(const StagedPlaces& other) const { return inputs == other.inputs && outputs == other.outputs; }
};

// Pinned memory for inputs and outputs of an execution, and the run between. Those on the GPU are to be copied to and
// from where the execution has them.
struct StagedRun {
  std::vector<Tensor> inputs;   // at least as many bytes as it takes
  std::vector<Tensor> outputs;  // likewise
  std::unique_ptr<RepeatedRun> run;

  // Anyone may take it from now on.
  void Return() { taken.store(false, std::memory_order_release); }
  // Anyone may take it when the run is over, which needs `tensors` until then.
  void ReturnWhenOver(std::vector<Tensor> tensors) {
    kept = std::move(tensors);
    abandoned.store(true, std::memory_order_release);
  }

  std::uint64_t generation = 0;
  StagedPlaces places;
  std::atomic<bool> taken{false};
  std::atomic<bool> abandoned{false};
  std::vector<Tensor> kept;
};

// The staged runs of one execution, as many as there are requests at once, up to kMost. To be used by one thread at a
// time, StagedRun::Return aside.
class StagedRuns {
 public:
  static constexpr std::size_t kMost = 8;

  // One for the execution as it is now, taken. Waits for one if all are, as long as `limits` allow.
  StagedRun& Take(const GpuDevice& gpu, const ShapedExecution& execution, const StagedPlaces& places,
                  const CallLimits& limits);

 private:
  StagedRun& Idle(std::uint64_t generation, const StagedPlaces& places, const CallLimits& limits);

  std::deque<StagedRun> runs_;
};

}  // namespace tftrt

#endif  // TFTRT_DIRECT_STAGED_RUNS_H_
