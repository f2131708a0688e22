#include "direct/direct_callable.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "tftrt/error.h"

namespace tftrt {
namespace {

using Clock = std::chrono::steady_clock;

std::int64_t NanosecondsSince(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

class DirectCallable final : public Callable {
 public:
  DirectCallable(std::shared_ptr<DirectEngine> engine, DirectSignature signature, std::vector<std::size_t> outputs,
                 std::unique_ptr<Callable> otherwise)
      : engine_(std::move(engine)),
        signature_(std::move(signature)),
        outputs_(std::move(outputs)),
        otherwise_(std::move(otherwise)) {}

  std::vector<Tensor> Run(const Tensor* const* inputs) const override {
    const ShapeKey key = KeyOf(inputs);
    ShapeRecord& record = engine_->record.Find(key);
    if (!Takes(inputs, record, key)) return otherwise_->Run(inputs);
    InstancePool::Lease lease(engine_->instances);
    return RunOn(lease, inputs, record, key);
  }

  void Warm(const Tensor* const* inputs) const override {
    const ShapeKey key = KeyOf(inputs);
    ShapeRecord& record = engine_->record.Find(key);
    if (!Takes(inputs, record, key)) return otherwise_->Warm(inputs);
    for (std::size_t i = 0; i < engine_->instances.size(); ++i) {
      // The second time captures a graph.
      for (int time = 0; time < 2; ++time) {
        InstancePool::Lease lease(engine_->instances, i);
        RunOn(lease, inputs, record, key);
      }
    }
  }

  std::unique_ptr<Binding> Bind(std::vector<Tensor> inputs) const override;

  Tensor MakeInput(DType dtype, const Shape& shape) const override { return GpuDevice::AllocatePinned(dtype, shape); }

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

  std::vector<Tensor> RunOn(InstancePool::Lease& lease, const Tensor* const* inputs, ShapeRecord& record,
                            const ShapeKey& key) const {
    const Clock::time_point start = Clock::now();
    const auto [execution, staged_runs] = lease->Prepare(key);
    StagedRun& staged = staged_runs.Take(execution);
    const std::unique_ptr<StagedRun, void (*)(StagedRun*)> taken(&staged, [](StagedRun* run) { run->Return(); });
    for (std::size_t i = 0; i < signature_.inputs.size(); ++i) {
      std::memcpy(staged.inputs[i].data(), inputs[signature_.inputs[i]]->data(), execution.input_bytes()[i]);
    }
    std::vector<Tensor> results;
    results.reserve(outputs_.size());
    for (std::size_t output : outputs_) {
      results.push_back(
          Tensor::Empty(signature_.output_dtypes[output], execution.output_shapes()[signature_.outputs[output]]));
    }
    lease->Queue(execution, *staged.run);
    lease.Queued();
    record.CountEngineRun(NanosecondsSince(start));
    staged.run->Wait();
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      if (results[i].num_bytes() == 0) continue;
      std::memcpy(results[i].data(), staged.outputs[signature_.outputs[outputs_[i]]].data(), results[i].num_bytes());
    }
    return results;
  }

  const std::shared_ptr<DirectEngine> engine_;
  const DirectSignature signature_;
  const std::vector<std::size_t> outputs_;
  const std::unique_ptr<Callable> otherwise_;
};

class DirectBinding final : public Binding {
 public:
  DirectBinding(const DirectCallable& callable, std::vector<Tensor> inputs, ShapeKey key, ShapeRecord& record)
      : callable_(callable),
        inputs_(std::move(inputs)),
        key_(std::move(key)),
        record_(record),
        runs_(callable.engine_->instances.size()) {
    for (std::size_t input : callable.signature_.inputs) {
      const Tensor& tensor = inputs_[input];
      const bool pinned = GpuDevice::IsPinned(tensor.data());
      if (!pinned) staged_.push_back({&tensor, GpuDevice::AllocatePinned(tensor.dtype(), tensor.shape())});
      addresses_.inputs.push_back({pinned ? const_cast<void*>(tensor.data()) : staged_.back().pinned.data()});
    }
  }

  void Run(std::vector<Tensor>& outputs) override {
    for (StagedInput& input : staged_)
      std::memcpy(input.pinned.data(), input.tensor->data(), input.tensor->num_bytes());
    InstancePool::Lease lease(callable_.engine_->instances);
    const Clock::time_point start = Clock::now();
    ShapedExecution& execution = lease->Prepare(key_).execution;
    if (addresses_.outputs.empty()) MakeOutputs(execution);
    std::unique_ptr<RepeatedRun>& run = runs_[lease.index()];
    if (run == nullptr) run = std::make_unique<RepeatedRun>(addresses_);
    lease->Queue(execution, *run);
    lease.Queued();
    record_.CountEngineRun(NanosecondsSince(start));
    run->Wait();
    if (!outputs.front().valid()) outputs = outputs_;
  }

 private:
  struct StagedInput {
    const Tensor* tensor;
    Tensor pinned;
  };

  void MakeOutputs(const ShapedExecution& execution) {
    const DirectSignature& signature = callable_.signature_;
    std::vector<RunAddress> addresses(execution.output_shapes().size());
    for (std::size_t output : callable_.outputs_) {
      const std::size_t index = signature.outputs[output];
      Tensor tensor = GpuDevice::AllocatePinned(signature.output_dtypes[output], execution.output_shapes()[index]);
      addresses[index].pointer = tensor.data();
      outputs_.push_back(std::move(tensor));
    }
    addresses_.outputs = std::move(addresses);
  }

  const DirectCallable& callable_;
  const std::vector<Tensor> inputs_;
  const ShapeKey key_;
  ShapeRecord& record_;
  std::vector<StagedInput> staged_;
  RunAddresses addresses_;
  std::vector<Tensor> outputs_;
  std::vector<std::unique_ptr<RepeatedRun>> runs_;  // on each instance
};

std::unique_ptr<Binding> DirectCallable::Bind(std::vector<Tensor> inputs) const {
  std::vector<const Tensor*> pointers;
  for (const Tensor& input : inputs) pointers.push_back(&input);
  const ShapeKey key = KeyOf(pointers);
  ShapeRecord& record = engine_->record.Find(key);
  if (!Takes(pointers, record, key)) return otherwise_->Bind(std::move(inputs));
  return std::make_unique<DirectBinding>(*this, std::move(inputs), key, record);
}

}  // namespace

std::unique_ptr<Callable> MakeDirectCallable(std::shared_ptr<DirectEngine> engine, const DirectSignature& signature,
                                             const std::vector<std::size_t>& outputs,
                                             std::unique_ptr<Callable> otherwise) {
  return std::make_unique<DirectCallable>(std::move(engine), signature, outputs, std::move(otherwise));
}

}  // namespace tftrt
