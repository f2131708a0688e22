#include "direct/direct_callable.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "tftrt/error.h"

namespace tftrt {
namespace {

using Clock = std::chrono::steady_clock;

std::int64_t NanosecondsSince(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

void OrderAfterDefaultStream(const std::vector<bool>& on_gpu, CudaStream stream) {
  if (std::find(on_gpu.begin(), on_gpu.end(), true) == on_gpu.end()) return;
  CudaEventOwner().Order(kCudaDefaultStream, stream);
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

  std::unique_ptr<Binding> Bind(std::vector<Tensor> inputs, const std::vector<bool>& outputs_on_gpu) const override;

  Tensor MakeInput(DType dtype, const Shape& shape, bool on_gpu) const override {
    return on_gpu ? engine_->gpu.AllocateZeros(dtype, shape) : GpuDevice::AllocatePinned(dtype, shape);
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

  std::vector<Tensor> RunOn(InstancePool::Lease& lease, const Tensor* const* inputs, ShapeRecord& record,
                            const ShapeKey& key) const {
    const Clock::time_point start = Clock::now();
    const auto [execution, staged_runs] = lease->Prepare(key);
    std::vector<bool> on_gpu;
    for (std::size_t input : signature_.inputs) on_gpu.push_back(inputs[input]->on_gpu());
    StagedRun& staged = staged_runs.Take(execution, on_gpu);
    const std::unique_ptr<StagedRun, void (*)(StagedRun*)> taken(&staged, [](StagedRun* run) { run->Return(); });
    OrderAfterDefaultStream(on_gpu, lease->stream());
    for (std::size_t i = 0; i < signature_.inputs.size(); ++i) {
      const void* data = inputs[signature_.inputs[i]]->data();
      if (on_gpu[i]) {
        CheckCuda(GetCuda().MemcpyAsync(execution.input(i), data, execution.input_bytes()[i], kCudaMemcpyDefault,
                                        lease->stream()),
                  "copying an input");
      } else {
        std::memcpy(staged.inputs[i].data(), data, execution.input_bytes()[i]);
      }
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
    staged.run->over().Wait();
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
  DirectBinding(const DirectCallable& callable, std::vector<Tensor> inputs, std::vector<bool> outputs_on_gpu,
                ShapeKey key, ShapeRecord& record)
      : callable_(callable),
        inputs_(std::move(inputs)),
        outputs_on_gpu_(std::move(outputs_on_gpu)),
        key_(std::move(key)),
        record_(record),
        runs_(callable.engine_->instances.size()) {
    for (std::size_t input : callable.signature_.inputs) {
      Tensor& tensor = inputs_[input];
      reads_gpu_ |= tensor.on_gpu();
      if (tensor.on_gpu() || GpuDevice::IsPinned(tensor.data())) {
        addresses_.inputs.push_back({tensor.data(), !tensor.on_gpu()});
      } else {
        staged_.push_back({&tensor, GpuDevice::AllocatePinned(tensor.dtype(), tensor.shape())});
        addresses_.inputs.push_back({staged_.back().pinned.data()});
      }
    }
    if (reads_gpu_) {
      callable.engine_->gpu.MakeCurrent();
      ready_.emplace();
    }
  }

  ~DirectBinding() override {
    if (last_ == nullptr) return;
    try {
      last_->over().Wait();
    } catch (const Error&) {  // the GPU has failed, and nothing runs on it any more
    }
  }

  void Run(std::vector<Tensor>& outputs, void* const* stream) override {
    if (!staged_.empty()) {
      // The last run may still be reading it, if nobody waited for it.
      if (last_ != nullptr) last_->over().Wait();
      for (StagedInput& input : staged_) {
        std::memcpy(input.pinned.data(), input.tensor->data(), input.tensor->num_bytes());
      }
    }
    InstancePool::Lease lease(callable_.engine_->instances);
    const Clock::time_point start = Clock::now();
    ShapedExecution& execution = lease->Prepare(key_).execution;
    if (addresses_.outputs.empty()) MakeOutputs(execution);
    std::unique_ptr<RepeatedRun>& run = runs_[lease.index()];
    if (run == nullptr) run = std::make_unique<RepeatedRun>(addresses_);
    if (stream != nullptr || reads_gpu_) {
      if (!ready_) ready_.emplace();
      ready_->Order(stream == nullptr ? kCudaDefaultStream : static_cast<CudaStream>(*stream), lease->stream());
    }
    lease->Queue(execution, *run);
    lease.Queued();
    record_.CountEngineRun(NanosecondsSince(start));
    last_ = run.get();
    if (stream != nullptr) {
      run->over().MakeWait(static_cast<CudaStream>(*stream));
    } else {
      run->over().Wait();
    }
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
    for (std::size_t i = 0; i < callable_.outputs_.size(); ++i) {
      const std::size_t output = callable_.outputs_[i];
      const std::size_t index = signature.outputs[output];
      Tensor tensor =
          callable_.MakeInput(signature.output_dtypes[output], execution.output_shapes()[index], outputs_on_gpu_[i]);
      addresses[index] = {tensor.data(), !tensor.on_gpu()};
      outputs_.push_back(std::move(tensor));
    }
    addresses_.outputs = std::move(addresses);
  }

  const DirectCallable& callable_;
  std::vector<Tensor> inputs_;
  const std::vector<bool> outputs_on_gpu_;
  const ShapeKey key_;
  ShapeRecord& record_;
  std::vector<StagedInput> staged_;
  RunAddresses addresses_;
  bool reads_gpu_ = false;
  std::optional<CudaEventOwner> ready_;
  std::vector<Tensor> outputs_;
  std::vector<std::unique_ptr<RepeatedRun>> runs_;  // on each instance
  const RepeatedRun* last_ = nullptr;
};

std::unique_ptr<Binding> DirectCallable::Bind(std::vector<Tensor> inputs,
                                              const std::vector<bool>& outputs_on_gpu) const {
  std::vector<const Tensor*> pointers;
  for (const Tensor& input : inputs) {
    if (input.on_gpu() && input.gpu() != engine_->gpu.index()) {
      throw UnsupportedError("an input is on gpu:" + std::to_string(input.gpu()) + ", but the model runs on gpu:" +
                             std::to_string(engine_->gpu.index()) + "; copy it there first");
    }
    pointers.push_back(&input);
  }
  std::set<std::size_t> sources;
  for (std::size_t output : outputs_) {
    if (sources.insert(signature_.outputs[output]).second) continue;
    throw UnsupportedError("two of the outputs are the same tensor, which can be bound once; leave one out");
  }
  const ShapeKey key = KeyOf(pointers);
  ShapeRecord& record = engine_->record.Find(key);
  if (!Takes(pointers, record, key)) return otherwise_->Bind(std::move(inputs), outputs_on_gpu);
  return std::make_unique<DirectBinding>(*this, std::move(inputs), outputs_on_gpu, key, record);
}

}  // namespace

std::unique_ptr<Callable> MakeDirectCallable(std::shared_ptr<DirectEngine> engine, const DirectSignature& signature,
                                             const std::vector<std::size_t>& outputs,
                                             std::unique_ptr<Callable> otherwise) {
  return std::make_unique<DirectCallable>(std::move(engine), signature, outputs, std::move(otherwise));
}

}  // namespace tftrt
