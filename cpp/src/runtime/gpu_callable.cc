#include "runtime/gpu_callable.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "api/memory_overlap.h"
#include "gpu/cuda_event.h"
#include "gpu/transfer.h"
#include "runtime/bound_input.h"
#include "runtime/bound_output.h"
#include "tensorflow/core/framework/tensor_util.h"
#include "tf/lent_buffer.h"
#include "tf/tensor_conversion.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

// As TensorFlow's callables have it.
bool IsHandedOverOnGpu(DType dtype) {
  return dtype != DType::kString && dtype != DType::kInt32 && dtype != DType::kUInt32 && dtype != DType::kUInt64;
}

std::vector<bool> HandedOverOnGpu(const std::vector<DType>& dtypes) {
  std::vector<bool> on_gpu;
  for (DType dtype : dtypes) on_gpu.push_back(IsHandedOverOnGpu(dtype));
  return on_gpu;
}

class GpuCallable final : public Callable {
 public:
  GpuCallable(tensorflow::Session& session, const GpuDevice& gpu, const CallableTensors& tensors,
              const CallableDTypes& dtypes, const tensorflow::thread::ThreadPoolOptions* pools)
      : gpu_(gpu),
        copy_input_(tensors.copy_input),
        gpu_inputs_(HandedOverOnGpu(dtypes.inputs)),
        gpu_outputs_(HandedOverOnGpu(dtypes.outputs)),
        run_(session, tensors, {gpu.name(), gpu_inputs_, gpu_outputs_}, /*single_threaded=*/false, pools) {}

  std::vector<Tensor> Run(const Tensor* const* inputs, const RunTerms& terms) const override {
    gpu_.MakeCurrent();
    const CudaEventOwner event;
    const auto on_gpu = [](const Tensor* input) { return input->on_gpu(); };
    if (std::any_of(inputs, inputs + gpu_inputs_.size(), on_gpu)) event.Order(kCudaDefaultStream, gpu_.stream());
    std::vector<Tensor> results;
    UntilOver(event, [&] {
      std::vector<tensorflow::Tensor> feeds;
      for (std::size_t i = 0; i < gpu_inputs_.size(); ++i) feeds.push_back(Feed(*inputs[i], i));
      std::vector<tensorflow::Tensor> fetches;
      run_.Fetch(feeds, fetches);
      for (std::size_t i = 0; i < run_.outputs(); ++i) {
        const bool wanted_on_gpu = !terms.on_gpu.empty() && terms.on_gpu[i];
        results.push_back(Result(run_.TakeOutput(i, feeds, fetches), gpu_outputs_[i], wanted_on_gpu));
      }
    });
    return results;
  }

  void Warm(const Tensor* const* inputs) const override {
    // The second time captures the engines' graphs.
    for (int time = 0; time < 2; ++time) Callable::Run(inputs);
  }

  std::unique_ptr<Binding> Bind(std::vector<Tensor> inputs, std::vector<BoundOutput> outputs) const override;

  Tensor MakeInput(DType dtype, const Shape& shape, bool on_gpu) const override {
    if (on_gpu) return gpu_.AllocateZeros(dtype, shape);
    return dtype == DType::kString ? Tensor::Empty(dtype, shape) : gpu_.AllocatePinned(dtype, shape);
  }

  const GpuDevice& gpu() const { return gpu_; }
  const SessionRun& run() const { return run_; }
  bool copies_input(std::size_t index) const { return copy_input_[index]; }
  bool is_gpu_input(std::size_t index) const { return gpu_inputs_[index]; }
  bool is_gpu_output(std::size_t index) const { return gpu_outputs_[index]; }

  // Queues with `queue`, and waits until all of it is over, also if it throws.
  template <typename Function>
  void UntilOver(const CudaEventOwner& event, const Function& queue) const {
    try {
      queue();
    } catch (...) {
      event.Record(gpu_.stream());
      event.Wait();
      throw;
    }
    event.Record(gpu_.stream());
    event.Wait();
  }

  const GpuCallable& WithItsGpuCurrent() const {
    gpu_.MakeCurrent();
    return *this;
  }

  // Whether TensorFlow can read the memory where it is.
  bool IsLent(const Tensor& tensor, std::size_t index) const {
    return tensor.on_gpu() && tensor.gpu() == gpu_.index() && IsAligned(tensor.data()) && !copy_input_[index];
  }

  tensorflow::Tensor Lend(const Tensor& tensor) const {
    return tensorflow::Tensor(ToTensorFlow(tensor.dtype()), ToTensorFlow(tensor.shape()),
                              tensorflow::core::RefCountPtr<tensorflow::TensorBuffer>(new LentBuffer(
                                  const_cast<void*>(tensor.data()), tensor.num_bytes(), tensor.owner())));
  }

  // Queues a copy between host and GPU, as the addresses lie.
  void Copy(void* to, const void* from, std::size_t bytes) const {
    if (bytes == 0) return;
    CheckCuda(GetCuda().MemcpyAsync(to, from, bytes, kCudaMemcpyDefault, gpu_.stream()), "copying to or from the GPU");
  }

 private:
  tensorflow::Tensor Feed(const Tensor& input, std::size_t index) const {
    if (!gpu_inputs_[index]) return ToTensorFlow(input, copy_input_[index]);
    if (input.num_elements() != 0 && IsLent(input, index)) return Lend(input);
    tensorflow::Tensor feed = gpu_.AllocateInOrder(ToTensorFlow(input.dtype()), ToTensorFlow(input.shape()));
    Copy(feed.data(), input.data(), input.num_bytes());
    return feed;
  }

  // `computed` lies on the GPU if `is_there`. It stays until TensorFlow's stream has passed the copy, since whoever
  // gets the memory next uses it in that stream.
  Tensor Result(tensorflow::Tensor computed, bool is_there, bool wanted_there) const {
    if (!is_there) {
      Tensor result = FromTensorFlow(std::move(computed));
      if (!wanted_there) return result;
      if (result.dtype() == DType::kString) throw UnsupportedError("an output of strings cannot be on a GPU");
      Tensor copy = gpu_.AllocateZeros(result.dtype(), result.shape());
      CopyElements(result, copy);
      return copy;
    }
    const DType dtype = FromTensorFlow(computed.dtype()).value();
    Shape shape = FromTensorFlow(computed.shape());
    if (!wanted_there) {
      Tensor result = Tensor::Empty(dtype, std::move(shape));
      Copy(result.data(), computed.data(), result.num_bytes());
      return result;
    }
    // Not if it also is a variable, a constant or an input.
    if (computed.RefCountIsOne() && computed.NumElements() != 0) {
      void* data = computed.data();
      const auto owner = std::make_shared<tensorflow::Tensor>(std::move(computed));
      return Tensor::BorrowGpu(data, dtype, std::move(shape), gpu_.index(), gpu_.ForOthers(owner));
    }
    Tensor result = gpu_.AllocateZeros(dtype, shape);
    Copy(result.data(), computed.data(), result.num_bytes());
    return result;
  }

  const GpuDevice& gpu_;
  const std::vector<bool> copy_input_;
  const std::vector<bool> gpu_inputs_;
  const std::vector<bool> gpu_outputs_;
  const SessionRun run_;
};

// An input that is handed over on the GPU.
class GpuInput {
 public:
  GpuInput(const GpuCallable& callable, Tensor tensor, std::size_t index)
      : callable_(callable), tensor_(std::move(tensor)), renew_(callable.copies_input(index)) {
    lent_ = tensor_.num_elements() != 0 && callable.IsLent(tensor_, index);
  }

  tensorflow::Tensor First() const { return lent_ ? callable_.Lend(tensor_) : Allocate(); }

  // Queues the copy, where there is one.
  void Update(tensorflow::Tensor& feed) const {
    if (lent_) return;
    if (renew_) feed = Allocate();
    callable_.Copy(feed.data(), tensor_.data(), tensor_.num_bytes());
  }

 private:
  tensorflow::Tensor Allocate() const {
    return callable_.gpu().AllocateInOrder(ToTensorFlow(tensor_.dtype()), ToTensorFlow(tensor_.shape()));
  }

  const GpuCallable& callable_;
  Tensor tensor_;
  bool renew_;  // the graph may still have the last one
  bool lent_ = false;
};

class GpuBinding final : public Binding {
 public:
  GpuBinding(const GpuCallable& callable, std::vector<Tensor> inputs, std::vector<BoundOutput> outputs)
      : callable_(callable.WithItsGpuCurrent()),
        bound_(std::move(outputs)),
        writes_to_inputs_(AnyIsWrittenTo(inputs, bound_)) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      uses_gpu_ |= inputs[i].on_gpu();
      if (callable.is_gpu_input(i)) {
        feeds_.push_back(gpu_inputs_.emplace_back(i, GpuInput(callable, std::move(inputs[i]), i)).second.First());
      } else {
        const bool copy = callable.copies_input(i);
        feeds_.push_back(host_inputs_.emplace_back(i, BoundInput(std::move(inputs[i]), copy)).second.First());
        copies_on_host_ = true;
      }
    }
    for (std::size_t i = 0; i < bound_.size(); ++i) {
      uses_gpu_ |= bound_[i].on_gpu;
      copies_on_host_ |= !callable.is_gpu_output(i);
    }
  }

  ~GpuBinding() override {
    try {
      event_.Wait();
    } catch (const Error&) {  // the GPU has failed, and nothing runs on it any more
    }
  }

  void Run(std::vector<Tensor>& outputs, void* const* stream) override {
    const GpuDevice& gpu = callable_.gpu();
    gpu.MakeCurrent();
    // What TensorFlow has on the host is read and written there at once.
    if (stream != nullptr && copies_on_host_) {
      CheckCuda(GetCuda().StreamSynchronize(static_cast<CudaStream>(*stream)), "waiting for the caller's stream");
    }
    if (stream != nullptr || uses_gpu_) {
      event_.Order(stream == nullptr ? kCudaDefaultStream : static_cast<CudaStream>(*stream), gpu.stream());
    }
    if (stream == nullptr) {
      callable_.UntilOver(event_, [&] { Queue(outputs); });
    } else {
      try {
        Queue(outputs);
      } catch (...) {
        callable_.UntilOver(event_, [] {});
        fetches_.clear();
        throw;
      }
      event_.Record(gpu.stream());
      event_.MakeWait(static_cast<CudaStream>(*stream));
    }
    // What was fetched goes back now, not with the next call.
    fetches_.clear();
  }

 private:
  void Queue(std::vector<Tensor>& outputs) {
    for (auto& [index, input] : gpu_inputs_) input.Update(feeds_[index]);
    for (auto& [index, input] : host_inputs_) input.Update(feeds_[index]);
    callable_.run().Fetch(feeds_, fetches_);
    for (std::size_t i = 0; i < bound_.size(); ++i) RequireFits(bound_[i], Output(i));
    apart_.clear();
    if (writes_to_inputs_) CopyInputsThatAreOutputs();
    for (std::size_t i = 0; i < bound_.size(); ++i) Write(i, outputs[i]);
  }

  const tensorflow::Tensor& Output(std::size_t index) const { return callable_.run().Output(index, feeds_, fetches_); }

  // Another output may be written to their memory.
  void CopyInputsThatAreOutputs() {
    apart_.resize(bound_.size());
    for (std::size_t i = 0; i < bound_.size(); ++i) {
      const tensorflow::Tensor& result = Output(i);
      if (result.dtype() == tensorflow::DT_STRING || !IsWrittenTo(result.data(), result.TotalBytes(), bound_)) continue;
      if (callable_.is_gpu_output(i)) {
        apart_[i] = callable_.gpu().AllocateInOrder(result.dtype(), result.shape());
        callable_.Copy(apart_[i].data(), result.data(), result.TotalBytes());
      } else {
        apart_[i] = tensorflow::tensor::DeepCopy(result);
      }
    }
    // What is written from the host does not queue behind the copies.
    CheckCuda(GetCuda().StreamSynchronize(callable_.gpu().stream()), "copying inputs that are outputs");
  }

  void Write(std::size_t index, Tensor& result) const {
    const bool is_apart = !apart_.empty() && apart_[index].IsInitialized() && apart_[index].NumElements() != 0;
    const tensorflow::Tensor& computed = is_apart ? apart_[index] : Output(index);
    const BoundOutput& bound = bound_[index];
    if (bound.memory.valid()) result = bound.memory;
    if (!callable_.is_gpu_output(index) && !bound.on_gpu) return CopyFromTensorFlow(computed, result);
    const std::optional<DType> dtype = FromTensorFlow(computed.dtype());
    if (!dtype || *dtype == DType::kString) {
      throw UnsupportedError("output \"" + bound.name + "\" has TensorFlow's dtype " +
                             tensorflow::DataTypeString(computed.dtype()) + ", which cannot be on a GPU");
    }
    const Shape shape = FromTensorFlow(computed.shape());
    if (!result.valid() || result.shape() != shape) result = callable_.MakeInput(*dtype, shape, bound.on_gpu);
    if (callable_.is_gpu_output(index)) {
      callable_.Copy(result.data(), computed.data(), result.num_bytes());
    } else {
      CopyElements(computed.data(), result);
    }
  }

  const GpuCallable& callable_;
  const std::vector<BoundOutput> bound_;
  const bool writes_to_inputs_;
  const CudaEventOwner event_;  // of the GPU that was made current before it
  bool uses_gpu_ = false;       // which others may be using in the default stream
  bool copies_on_host_ = false;
  std::vector<std::pair<std::size_t, GpuInput>> gpu_inputs_;
  std::vector<std::pair<std::size_t, BoundInput>> host_inputs_;
  std::vector<tensorflow::Tensor> feeds_;
  std::vector<tensorflow::Tensor> fetches_;
  std::vector<tensorflow::Tensor> apart_;  // copies of those among the outputs that another is written to
};

std::unique_ptr<Binding> GpuCallable::Bind(std::vector<Tensor> inputs, std::vector<BoundOutput> outputs) const {
  for (const Tensor& input : inputs) RequireOn(gpu_, input, "an input");
  for (const BoundOutput& output : outputs) RequireOn(gpu_, output.memory, "the memory of an output");
  return std::make_unique<GpuBinding>(*this, std::move(inputs), std::move(outputs));
}

}  // namespace

std::unique_ptr<Callable> MakeGpuCallable(tensorflow::Session& session, const GpuDevice& gpu,
                                          const CallableTensors& tensors, const CallableDTypes& dtypes,
                                          const tensorflow::thread::ThreadPoolOptions* pools) {
  return std::make_unique<GpuCallable>(session, gpu, tensors, dtypes, pools);
}

}  // namespace tftrt
