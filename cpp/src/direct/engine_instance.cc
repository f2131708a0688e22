#include "direct/engine_instance.h"

#include <algorithm>
#include <utility>

#include "engines/engine_plans.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

// Beyond this many, shapes are looked up in TF-TRT's profiles each time.
constexpr std::size_t kMostKnownShapes = 256;

}  // namespace

CudaGraphs ParseCudaGraphs(const std::string& cuda_graphs) {
  if (cuda_graphs == "auto") return CudaGraphs::kAuto;
  if (cuda_graphs == "on") return CudaGraphs::kOn;
  if (cuda_graphs == "off") return CudaGraphs::kOff;
  throw InvalidArgumentError("cuda_graphs is \"" + cuda_graphs + "\"; expected \"auto\", \"on\" or \"off\"");
}

EngineInstance::EngineInstance(const GpuDevice& gpu, std::unique_ptr<const EngineSource> source, EngineTypes types,
                               const Options& options)
    : gpu_(gpu), options_(options), source_(std::move(source)), types_(std::move(types)) {
  gpu_.MakeCurrent();
  CheckCuda(GetCuda().StreamCreateWithFlags(&own_stream_, kCudaStreamNonBlocking), "making a stream");
  stream_ = options_.stream == nullptr ? own_stream_ : options_.stream;
}

EngineInstance::~EngineInstance() {
  GetCuda().StreamSynchronize(stream_);
  GetCuda().StreamDestroy(own_stream_);
}

EngineInstance::Entry& EngineInstance::Find(const ShapeKey& key) {
  for (const auto& [known, entry] : known_) {
    if (known == key) return *entry;
  }
  const std::optional<EngineSlot> slot = source_->Slot(key.shapes());
  if (!slot) throw InternalError("the engine has no profile for " + ToString(key.shapes()));
  auto found = std::find_if(entries_.begin(), entries_.end(),
                            [&](const Entry& entry) { return entry.execution.slot() == *slot; });
  if (found == entries_.end()) {
    entries_.emplace_back(source_->Execution(*slot));
    found = std::prev(entries_.end());
    try {
      ReserveWorkspace();
    } catch (...) {
      entries_.pop_back();
      throw;
    }
  }
  if (known_.size() < kMostKnownShapes) known_.emplace_back(key, &*found);
  return *found;
}

void EngineInstance::ReserveWorkspace() {
  std::size_t bytes = 0;
  for (const Entry& entry : entries_) bytes = std::max(bytes, entry.execution.workspace_bytes());
  if (workspace_.Has(bytes)) return;
  Wait();
  // Graphs have the address that it had.
  for (Entry& entry : entries_) entry.execution.BeginGeneration();
  workspace_.Reserve(gpu_, bytes);
}

EngineInstance::Ready EngineInstance::Prepare(const ShapeKey& key) {
  Entry& entry = Find(key);
  // There is none if there was no memory for a larger one.
  ReserveWorkspace();
  if (!entry.execution.Has(key)) {
    Wait();
    entry.execution.SetShapes(gpu_, key, types_);
  }
  return {entry.execution, entry.staged};
}

bool EngineInstance::Capture(ShapedExecution& execution, RepeatedRun& run) {
  if (!execution.capture_problem.empty()) return false;
  execution.capture_problem = run.graph_.Capture(
      own_stream_, gpu_.counters(), [&] { execution.Queue(workspace_.data(), run.addresses(), own_stream_); });
  if (!execution.capture_problem.empty()) return false;
  run.captured_generation_ = execution.generation();
  return true;
}

void EngineInstance::Queue(ShapedExecution& execution, RepeatedRun& run) {
  const std::uint64_t generation = execution.generation();
  const bool repeats = run.queued_generation_ == generation;
  bool captured = run.captured_generation_ == generation;
  if (!captured && repeats && options_.cuda_graphs != CudaGraphs::kOff) captured = Capture(execution, run);
  if (captured) {
    run.graph_.Launch(stream_);
  } else {
    execution.Queue(workspace_.data(), run.addresses(), stream_);
    run.queued_generation_ = generation;
    if (options_.cuda_graphs == CudaGraphs::kOn && !Capture(execution, run)) {
      Wait();
      throw UnsupportedError("cuda_graphs is \"on\", but this engine cannot be captured: " + execution.capture_problem +
                             "; use \"auto\"");
    }
  }
  run.over_.Record(stream_);
}

}  // namespace tftrt
