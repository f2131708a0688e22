#include "direct/staged_runs.h"

#include <thread>
#include <utility>

namespace tftrt {
namespace {

// Keeps memory that is large enough.
void Reserve(const GpuDevice& gpu, std::size_t bytes, Tensor& tensor) {
  if (tensor.valid() && tensor.num_bytes() >= bytes) return;
  tensor = Tensor();
  tensor = gpu.AllocatePinned(DType::kUInt8, {static_cast<std::int64_t>(bytes)});
}

bool Fits(const StagedRun& run, std::uint64_t generation, const StagedPlaces& places) {
  return run.generation == generation && run.places == places;
}

bool IsIdle(StagedRun& run) {
  if (!run.taken.load(std::memory_order_acquire)) return true;
  if (!run.abandoned.load(std::memory_order_acquire) || !run.run->over().IsOver()) return false;
  run.kept.clear();
  run.abandoned.store(false, std::memory_order_relaxed);
  run.Return();
  return true;
}

}  // namespace

// One that fits, if there is one.
StagedRun& StagedRuns::Idle(std::uint64_t generation, const StagedPlaces& places, const CallLimits& limits) {
  while (true) {
    StagedRun* idle = nullptr;
    for (StagedRun& run : runs_) {
      if (!IsIdle(run)) continue;
      if (Fits(run, generation, places)) return run;
      if (idle == nullptr || run.generation < idle->generation) idle = &run;
    }
    if (runs_.size() < kMost) return runs_.emplace_back();
    if (idle != nullptr) return *idle;
    limits.Check();
    std::this_thread::yield();
  }
}

StagedRun& StagedRuns::Take(const GpuDevice& gpu, const ShapedExecution& execution, const StagedPlaces& places,
                            const CallLimits& limits) {
  StagedRun& staged = Idle(execution.generation(), places, limits);
  if (!Fits(staged, execution.generation(), places)) {
    staged.generation = 0;
    staged.run.reset();
    staged.inputs.resize(places.inputs.size());
    staged.outputs.resize(places.outputs.size());
    RunAddresses addresses;
    for (std::size_t i = 0; i < places.inputs.size(); ++i) {
      const bool on_gpu = places.inputs[i];
      if (!on_gpu) Reserve(gpu, execution.input_bytes()[i], staged.inputs[i]);
      addresses.inputs.push_back({on_gpu ? execution.input(i) : staged.inputs[i].data(), !on_gpu});
    }
    for (std::size_t i = 0; i < places.outputs.size(); ++i) {
      const bool on_gpu = places.outputs[i];
      if (!on_gpu) Reserve(gpu, execution.output_bytes()[i], staged.outputs[i]);
      addresses.outputs.push_back({on_gpu ? execution.output(i) : staged.outputs[i].data(), !on_gpu});
    }
    staged.run = std::make_unique<RepeatedRun>(std::move(addresses));
    staged.generation = execution.generation();
    staged.places = places;
  }
  staged.taken.store(true, std::memory_order_relaxed);
  return staged;
}

}  // namespace tftrt
