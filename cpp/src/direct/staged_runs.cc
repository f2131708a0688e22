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

bool Fits(const StagedRun& run, std::uint64_t generation, const std::vector<bool>& on_gpu) {
  return run.generation == generation && run.on_gpu == on_gpu;
}

}  // namespace

// One that fits, if there is one.
StagedRun& StagedRuns::Idle(std::uint64_t generation, const std::vector<bool>& on_gpu) {
  while (true) {
    StagedRun* idle = nullptr;
    for (StagedRun& run : runs_) {
      if (run.taken.load(std::memory_order_acquire)) continue;
      if (Fits(run, generation, on_gpu)) return run;
      if (idle == nullptr || run.generation < idle->generation) idle = &run;
    }
    if (runs_.size() < kMost) return runs_.emplace_back();
    if (idle != nullptr) return *idle;
    std::this_thread::yield();
  }
}

StagedRun& StagedRuns::Take(const ShapedExecution& execution, const std::vector<bool>& on_gpu) {
  StagedRun& staged = Idle(execution.generation(), on_gpu);
  if (!Fits(staged, execution.generation(), on_gpu)) {
    staged.generation = 0;
    staged.run.reset();
    staged.inputs.resize(on_gpu.size());
    staged.outputs.resize(execution.output_bytes().size());
    RunAddresses addresses;
    for (std::size_t i = 0; i < on_gpu.size(); ++i) {
      if (!on_gpu[i]) Reserve(execution.input_bytes()[i], staged.inputs[i]);
      addresses.inputs.push_back({on_gpu[i] ? execution.input(i) : staged.inputs[i].data(), !on_gpu[i]});
    }
    for (std::size_t i = 0; i < staged.outputs.size(); ++i) {
      Reserve(execution.output_bytes()[i], staged.outputs[i]);
      addresses.outputs.push_back({staged.outputs[i].data()});
    }
    staged.run = std::make_unique<RepeatedRun>(std::move(addresses));
    staged.generation = execution.generation();
    staged.on_gpu = on_gpu;
  }
  staged.taken.store(true, std::memory_order_relaxed);
  return staged;
}

}  // namespace tftrt
