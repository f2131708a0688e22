#include "direct/direct_callable.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "api/memory_overlap.h"
#include "direct/instance_warming.h"
#include "engines/stopwatch.h"
#include "runtime/bound_output.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

bool Any(const std::vector<bool>& values) { return std::find(values.begin(), values.end(), true) != values.end(); }

void WaitFor(const CudaEventOwner& over, const CallLimits& limits) {
  if (!limits.any()) return over.Wait();
  while (!over.IsOver()) limits.Check();
}

class DirectCallable final : public Callable {
 public:
  DirectCallable(std::shared_ptr<DirectEngine> engine, DirectSignature signature, std::vector<std::size_t> outputs,
                 std::unique_ptr<Callable> otherwise, std::unique_ptr<ChecksBeside> checks)
      : engine_(std::move(engine)),
        signature_(std::move(signature)),
        outputs_(std::move(outputs)),
        otherwise_(std::move(otherwise)),
        checks_(std::move(checks)) {}

  std::vector<Tensor> Run(const Tensor* const* inputs, const RunTerms& terms) const override {
    const ShapeKey key = KeyOf(inputs);
    ShapeRecord& record = engine_->record.Find(key);
    if (!Takes(inputs, record, key)) return otherwise_->Run(inputs, terms);
    InstancePool::Lease lease(engine_->instances, terms.limits);
    return RunOn(lease, inputs, terms, record, key, checks_.get());
  }

  bool HeedsLimits(const Tensor* const* inputs, const RunTerms& terms) const override {
    const ShapeKey key = KeyOf(inputs);
    return Takes(inputs, engine_->record.Find(key), key) || otherwise_->HeedsLimits(inputs, terms);
  }

  void Warm(const Tensor* const* inputs) const override {
    const ShapeKey key = KeyOf(inputs);
    ShapeRecord& record = engine_->record.Find(key);
    if (!Takes(inputs, record, key)) return otherwise_->Warm(inputs);
    for (std::size_t i = 0; i < engine_->instances.size(); ++i) {
      // The second time captures a graph.
      for (int time = 0; time < 2; ++time) {
        InstancePool::Lease lease(engine_->instances, i, CallLimits());
        // These inputs are made up: checks need not hold.
        RunOn(lease, inputs, RunTerms(), record, key, nullptr);
      }
    }
  }

  std::int64_t RowsToRun(const Tensor* const* inputs, std::int64_t rows, std::int64_t most) const override {
    std::vector<Shape> shapes;
    for (std::size_t input : signature_.inputs) shapes.push_back(inputs[input]->shape());
    const EnginePlans plans = engine_->record.plans();
    for (std::int64_t padded = rows; padded <= most; ++padded) {
      for (Shape& shape : shapes) shape.front() = padded;
      if (plans.Accept(shapes)) return padded;
    }
    return rows;
  }

  std::unique_ptr<Binding> Bind(std::vector<Tensor> inputs, std::vector<BoundOutput> outputs) const override;

  Tensor MakeInput(DType dtype, const Shape& shape, bool on_gpu) const override {
    return on_gpu ? engine_->gpu.AllocateZeros(dtype, shape) : engine_->gpu.AllocatePinned(dtype, shape);
  }

 private:
  friend class DirectBinding;

  template <typename Inputs>
  ShapeKey KeyOf(const Inputs& inputs) const {
    ShapeKey key;
    for (std::size_t input : signature_.inputs) key.AddShape(inputs[input]->shape());
    return key;
  }

  template <typename Inputs>
  bool Takes(const Inputs& inputs, const ShapeRecord& record, const ShapeKey& key) const {
    return engine_->record.HasEngine(record, key) &&
           std::all_of(signature_.inputs.begin(), signature_.inputs.end(),
                       [&](std::size_t input) { return inputs[input]->num_elements() != 0; });
  }

  std::vector<Tensor> RunOn(InstancePool::Lease& lease, const Tensor* const* inputs, const RunTerms& terms,
                            ShapeRecord& record, const ShapeKey& key, const ChecksBeside* checks) const {
    const Stopwatch stopwatch;
    const auto [execution, staged_runs] = lease->Prepare(key);
    StagedRun& staged = staged_runs.Take(engine_->gpu, execution, PlacesOf(inputs, terms), terms.limits);
    std::unique_ptr<StagedRun, void (*)(StagedRun*)> taken(&staged, [](StagedRun* run) { run->Return(); });
    if (terms.limits.any()) terms.limits.Check();
    if (Any(staged.places.inputs) || (checks != nullptr && checks->ReadsFromGpu(inputs))) {
      CudaEventOwner().Order(kCudaDefaultStream, lease->stream());
    }
    CopyInputs(inputs, execution, staged, lease->stream());
    std::optional<ChecksBeside::Call> checking;
    if (checks != nullptr) checking.emplace(*checks, inputs, lease->stream());
    std::vector<Tensor> results = MakeResults(execution, terms);
    lease->Queue(execution, *staged.run);
    if (terms.any_on_gpu()) CopyOnGpu(execution, staged, results, lease->stream());
    lease.Queued();
    record.CountEngineRun(stopwatch.Nanoseconds());
    try {
      if (checking) checking->Run();
      WaitFor(staged.run->over(), terms.limits);
    } catch (...) {
      std::vector<Tensor> kept = std::move(results);
      for (std::size_t input : signature_.inputs) kept.push_back(*inputs[input]);
      taken.release()->ReturnWhenOver(std::move(kept));
      throw;
    }
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      if (results[i].num_bytes() == 0 || results[i].on_gpu()) continue;
      std::memcpy(results[i].data(), staged.outputs[Source(i)].data(), results[i].num_bytes());
    }
    return results;
  }

  // Among the engine's outputs.
  std::size_t Source(std::size_t output) const { return signature_.outputs[outputs_[output]]; }

  StagedPlaces PlacesOf(const Tensor* const* inputs, const RunTerms& terms) const {
    StagedPlaces places;
    for (std::size_t input : signature_.inputs) places.inputs.push_back(inputs[input]->on_gpu());
    places.outputs.resize(signature_.types.outputs.size());
    for (std::size_t i = 0; i < terms.on_gpu.size(); ++i) {
      if (terms.on_gpu[i]) places.outputs[Source(i)] = true;
    }
    // One tensor may be two outputs.
    for (std::size_t i = 0; i < terms.on_gpu.size(); ++i) {
      if (!terms.on_gpu[i]) places.outputs[Source(i)] = false;
    }
    return places;
  }

  void CopyInputs(const Tensor* const* inputs, const ShapedExecution& execution, StagedRun& staged,
                  CudaStream stream) const {
    for (std::size_t i = 0; i < signature_.inputs.size(); ++i) {
      const void* data = inputs[signature_.inputs[i]]->data();
      if (staged.places.inputs[i]) {
        CheckCuda(
            GetCuda().MemcpyAsync(execution.input(i), data, execution.input_bytes()[i], kCudaMemcpyDefault, stream),
            "copying an input");
      } else {
        std::memcpy(staged.inputs[i].data(), data, execution.input_bytes()[i]);
      }
    }
  }

  std::vector<Tensor> MakeResults(const ShapedExecution& execution, const RunTerms& terms) const {
    std::vector<Tensor> results;
    results.reserve(outputs_.size());
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      const DType dtype = signature_.output_dtypes[outputs_[i]];
      const Shape& shape = execution.output_shapes()[Source(i)];
      const bool on_gpu = !terms.on_gpu.empty() && terms.on_gpu[i];
      results.push_back(on_gpu ? engine_->gpu.AllocateZeros(dtype, shape) : Tensor::Empty(dtype, shape));
    }
    return results;
  }

  // From where the run leaves them, or from pinned memory if another result is read there.
  static void CopyToGpu(const ShapedExecution& execution, const StagedRun& staged, std::size_t source, Tensor& result,
                        CudaStream stream) {
    const void* from = staged.places.outputs[source] ? execution.output(source) : staged.outputs[source].data();
    CheckCuda(GetCuda().MemcpyAsync(result.data(), from, result.num_bytes(), kCudaMemcpyDefault, stream),
              "copying an output");
  }

  void CopyOnGpu(const ShapedExecution& execution, const StagedRun& staged, std::vector<Tensor>& results,
                 CudaStream stream) const {
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (results[i].on_gpu()) CopyToGpu(execution, staged, Source(i), results[i], stream);
    }
    staged.run->over().Record(stream);
  }

  const std::shared_ptr<DirectEngine> engine_;
  const DirectSignature signature_;
  const std::vector<std::size_t> outputs_;
  const std::unique_ptr<Callable> otherwise_;
  const std::unique_ptr<ChecksBeside> checks_;
};

class DirectBinding final : public Binding {
 public:
  DirectBinding(const DirectCallable& callable, std::vector<Tensor> inputs, std::vector<BoundOutput> outputs,
                ShapeKey key, ShapeRecord& record)
      : callable_(callable),
        inputs_(std::move(inputs)),
        bound_(std::move(outputs)),
        key_(std::move(key)),
        record_(record),
        runs_(callable.engine_->instances.size()) {
    for (std::size_t input : callable.signature_.inputs) {
      Tensor& tensor = inputs_[input];
      addresses_.inputs.push_back(AddressOf(tensor, staged_inputs_));
    }
    for (const Tensor& input : inputs_) {
      uses_gpu_ |= input.on_gpu();
      checked_.push_back(&input);
    }
    for (const BoundOutput& output : bound_) uses_gpu_ |= output.on_gpu;
    if (uses_gpu_) {
      callable.engine_->gpu.MakeCurrent();
      ready_.emplace();
    }
  }

  ~DirectBinding() override {
    try {
      for (const std::unique_ptr<RepeatedRun>& run : runs_) {
        if (run != nullptr) run->over().Wait();
      }
    } catch (const Error&) {  // the GPU has failed, and nothing runs on it any more
    }
  }

  void Run(std::vector<Tensor>& outputs, void* const* stream) override {
    if (!staged_inputs_.empty()) {
      // The last run may still be reading it, if nobody waited for it.
      WaitForLast();
      for (Staged& input : staged_inputs_) {
        std::memcpy(input.pinned.data(), input.tensor->data(), input.tensor->num_bytes());
      }
    }
    InstancePool::Lease lease(callable_.engine_->instances, CallLimits());
    const Stopwatch stopwatch;
    ShapedExecution& execution = lease->Prepare(key_).execution;
    if (addresses_.outputs.empty()) MakeOutputs(execution);
    std::unique_ptr<RepeatedRun>& run = runs_[lease.index()];
    if (run == nullptr) run = std::make_unique<RepeatedRun>(addresses_);
    if (stream != nullptr || uses_gpu_) {
      if (!ready_) ready_.emplace();
      ready_->Order(stream == nullptr ? kCudaDefaultStream : static_cast<CudaStream>(*stream), lease->stream());
    }
    std::optional<ChecksBeside::Call> checking;
    if (callable_.checks_ != nullptr) checking.emplace(*callable_.checks_, checked_.data(), lease->stream());
    lease->Queue(execution, *run);
    lease.Queued();
    record_.CountEngineRun(stopwatch.Nanoseconds());
    last_ = run.get();
    if (checking) Check(*checking);
    if (stream != nullptr) run->over().MakeWait(static_cast<CudaStream>(*stream));
    if (stream == nullptr || !staged_outputs_.empty()) run->over().Wait();
    for (Staged& output : staged_outputs_) {
      std::memcpy(output.tensor->data(), output.pinned.data(), output.tensor->num_bytes());
    }
    if (!outputs.front().valid()) outputs = outputs_;
  }

 private:
  // Pinned memory in place of the caller's.
  struct Staged {
    Tensor* tensor;
    Tensor pinned;
  };

  RunAddress AddressOf(Tensor& tensor, std::vector<Staged>& staged) const {
    if (tensor.on_gpu() || GpuDevice::IsPinned(tensor.data())) return {tensor.data(), !tensor.on_gpu()};
    staged.push_back({&tensor, callable_.engine_->gpu.AllocatePinned(tensor.dtype(), tensor.shape())});
    return {staged.back().pinned.data()};
  }

  // Nothing runs any more if it throws.
  void Check(const ChecksBeside::Call& checking) const {
    try {
      checking.Run();
    } catch (...) {
      WaitForLast();
      throw;
    }
  }

  void WaitForLast() const {
    if (last_ != nullptr) last_->over().Wait();
  }

  void MakeOutputs(const ShapedExecution& execution) {
    const DirectSignature& signature = callable_.signature_;
    for (std::size_t i = 0; i < bound_.size(); ++i) {
      const DType dtype = signature.output_dtypes[callable_.outputs_[i]];
      const Shape& shape = execution.output_shapes()[callable_.Source(i)];
      RequireFits(bound_[i], dtype, shape);
    }
    std::vector<RunAddress> addresses(execution.output_shapes().size());
    outputs_.clear();
    staged_outputs_.clear();
    outputs_.reserve(bound_.size());
    for (std::size_t i = 0; i < bound_.size(); ++i) {
      const std::size_t source = callable_.Source(i);
      const DType dtype = signature.output_dtypes[callable_.outputs_[i]];
      const Shape& shape = execution.output_shapes()[source];
      const bool own = !bound_[i].memory.valid();
      outputs_.push_back(own ? callable_.MakeInput(dtype, shape, bound_[i].on_gpu) : bound_[i].memory);
      addresses[source] = AddressOf(outputs_.back(), staged_outputs_);
    }
    addresses_.outputs = std::move(addresses);
  }

  const DirectCallable& callable_;
  std::vector<Tensor> inputs_;
  std::vector<const Tensor*> checked_;  // each of inputs_
  const std::vector<BoundOutput> bound_;
  const ShapeKey key_;
  ShapeRecord& record_;
  std::vector<Staged> staged_inputs_;
  std::vector<Staged> staged_outputs_;
  RunAddresses addresses_;
  bool uses_gpu_ = false;  // which others may be using in the default stream
  std::optional<CudaEventOwner> ready_;
  std::vector<Tensor> outputs_;
  std::vector<std::unique_ptr<RepeatedRun>> runs_;  // on each instance
  const RepeatedRun* last_ = nullptr;
};

std::unique_ptr<Binding> DirectCallable::Bind(std::vector<Tensor> inputs, std::vector<BoundOutput> outputs) const {
  std::vector<const Tensor*> pointers;
  for (const Tensor& input : inputs) {
    RequireOn(engine_->gpu, input, "an input");
    pointers.push_back(&input);
  }
  for (const BoundOutput& output : outputs) RequireOn(engine_->gpu, output.memory, "the memory of an output");
  std::set<std::size_t> sources;
  for (std::size_t output : outputs_) {
    if (sources.insert(signature_.outputs[output]).second) continue;
    throw UnsupportedError("two of the outputs are the same tensor, which can be bound once; leave one out");
  }
  const ShapeKey key = KeyOf(pointers);
  ShapeRecord& record = engine_->record.Find(key);
  // The engine may write while it still reads.
  if (!Takes(pointers, record, key) || AnyIsWrittenTo(inputs, outputs))
    return otherwise_->Bind(std::move(inputs), std::move(outputs));
  return std::make_unique<DirectBinding>(*this, std::move(inputs), std::move(outputs), key, record);
}

}  // namespace

void DirectEngine::Warm() {
  for (std::size_t i = 0; i < instances.size(); ++i) {
    const InstancePool::Lease lease(instances, i, CallLimits());
    WarmInstance(*lease, record.plans(), /*on_gpu=*/false);
  }
}

std::unique_ptr<Callable> MakeDirectCallable(std::shared_ptr<DirectEngine> engine, const DirectSignature& signature,
                                             const std::vector<std::size_t>& outputs,
                                             std::unique_ptr<Callable> otherwise,
                                             std::unique_ptr<ChecksBeside> checks) {
  return std::make_unique<DirectCallable>(std::move(engine), signature, outputs, std::move(otherwise),
                                          std::move(checks));
}

}  // namespace tftrt
