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

// Pinned memory for all inputs and outputs of an execution, and the run between.
struct StagedRun {
  std::vector<Tensor> inputs;   // at least as many bytes as it takes
  std::vector<Tensor> outputs;  // likewise
  std::unique_ptr<RepeatedRun> run;

  // Anyone may take it from now on.
  void Return() { taken.store(false, std::memory_order_release); }

  std::uint64_t generation = 0;
  std::atomic<bool> taken{false};
};

// The staged runs of one execution, as many as there are requests at once, up to kMost. To be used by one thread at a
// time, StagedRun::Return aside.
class StagedRuns {
 public:
  static constexpr std::size_t kMost = 8;

  // One for the execution as it is now, taken. Waits for one if all are.
  StagedRun& Take(const ShapedExecution& execution);

 private:
  StagedRun& Idle();

  std::deque<StagedRun> runs_;
};

}  // namespace tftrt

#endif  // TFTRT_DIRECT_STAGED_RUNS_H_
