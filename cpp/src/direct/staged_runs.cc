#include "direct/staged_runs.h"

#include <thread>
#include <utility>

namespace tftrt {
namespace {

// Keeps memory that is large enough.
void Reserve(std::size_t bytes, Tensor& tensor) {
  if (tensor.valid() && tensor.num_bytes() >= bytes) return;
  tensor = Tensor();
  tensor = GpuDevice::AllocatePinned(DType::kUInt8, {static_cast<std::int64_t>(bytes)});
}

std::vector<RunAddress> Reserve(const std::vector<std::size_t>& bytes, std::vector<Tensor>& tensors) {
  std::vector<RunAddress> addresses;
  tensors.resize(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Reserve(bytes[i], tensors[i]);
    addresses.push_back({tensors[i].data()});
  }
  return addresses;
}

}  // namespace

StagedRun& StagedRuns::Idle() {
  while (true) {
    for (StagedRun& run : runs_) {
      if (!run.taken.load(std::memory_order_acquire)) return run;
    }
    if (runs_.size() < kMost) return runs_.emplace_back();
    std::this_thread::yield();
  }
}

StagedRun& StagedRuns::Take(const ShapedExecution& execution) {
  StagedRun& staged = Idle();
  if (staged.generation != execution.generation()) {
    staged.generation = 0;
    staged.run.reset();
    RunAddresses addresses;
    addresses.inputs = Reserve(execution.input_bytes(), staged.inputs);
    addresses.outputs = Reserve(execution.output_bytes(), staged.outputs);
    staged.run = std::make_unique<RepeatedRun>(std::move(addresses));
    staged.generation = execution.generation();
  }
  staged.taken.store(true, std::memory_order_relaxed);
  return staged;
}

}  // namespace tftrt
