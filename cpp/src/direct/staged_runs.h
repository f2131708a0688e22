#ifndef TFTRT_DIRECT_STAGED_RUNS_H_
#define TFTRT_DIRECT_STAGED_RUNS_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "direct/repeated_run.h"
#include "direct/shaped_execution.h"

namespace tftrt {

// Pinned memory for inputs and outputs of an execution, and the run between. Inputs on the GPU are to be copied to
// where the execution has them.
struct StagedRun {
  std::vector<Tensor> inputs;   // at least as many bytes as it takes
  std::vector<Tensor> outputs;  // likewise
  std::unique_ptr<RepeatedRun> run;

  // Anyone may take it from now on.
  void Return() { taken.store(false, std::memory_order_release); }

  std::uint64_t generation = 0;
  std::vector<bool> on_gpu;  // for each input
  std::atomic<bool> taken{false};
};

// The staged runs of one execution, as many as there are requests at once, up to kMost. To be used by one thread at a
// time, StagedRun::Return aside.
class StagedRuns {
 public:
  static constexpr std::size_t kMost = 8;

  // One for the execution as it is now, taken. Waits for one if all are. `on_gpu`, for each input.
  StagedRun& Take(const ShapedExecution& execution, const std::vector<bool>& on_gpu);

 private:
  StagedRun& Idle(std::uint64_t generation, const std::vector<bool>& on_gpu);

  std::deque<StagedRun> runs_;
};

}  // namespace tftrt

#endif  // TFTRT_DIRECT_STAGED_RUNS_H_
