#include "runtime/callable.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "gpu/transfer.h"
#include "runtime/bound_output.h"
#include "runtime/status.h"
#include "runtime/tensor_conversion.h"
#include "tensorflow/core/protobuf/config.pb.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

std::size_t IndexOrAppend(std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  const auto index = static_cast<std::size_t>(found - names.begin());
  if (found == names.end()) names.push_back(name);
  return index;
}

// In place of a fetched tensor until TensorFlow sets it, which it does not do on a branch that was not taken.
const tensorflow::Tensor& NotComputed() {
  static const tensorflow::Tensor tensor(tensorflow::DT_BOOL, tensorflow::TensorShape({1}));
  return tensor;
}

// Where an output comes from: TensorFlow neither fetches what is fed nor fetches a tensor twice.
struct OutputSource {
  bool is_input = false;
  std::size_t index = 0;  // among the inputs or the fetches
};

class SessionCallable final : public Callable {
 public:
  SessionCallable(tensorflow::Session& session, CallableTensors tensors, bool single_threaded,
                  const tensorflow::thread::ThreadPoolOptions* pools)
      : session_(session),
        copy_input_(std::move(tensors.copy_input)),
        pools_(pools),
        gpu_(tensors.gpu),
        context_("running signature \"" + tensors.signature + "\"") {
    std::vector<std::string> fetches;
    for (const std::string& output : tensors.outputs) {
      const auto fed = std::find(tensors.inputs.begin(), tensors.inputs.end(), output);
      if (fed != tensors.inputs.end()) {
        sources_.push_back({true, static_cast<std::size_t>(fed - tensors.inputs.begin())});
      } else {
        sources_.push_back({false, IndexOrAppend(fetches, output)});
      }
    }
    fetch_names_ = fetches;
    uses_.resize(fetches.size());
    for (const OutputSource& source : sources_) {
      if (!source.is_input) ++uses_[source.index];
    }
    if (fetches.empty()) return;

    tensorflow::CallableOptions options;
    options.mutable_feed()->Assign(tensors.inputs.begin(), tensors.inputs.end());
    options.mutable_fetch()->Assign(fetches.begin(), fetches.end());
    // Ops that hand work on do it in the caller's thread.
    if (single_threaded) options.mutable_run_options()->set_inter_op_thread_pool(-1);
    ThrowIfLoadError(session_.MakeCallable(options, &handle_), "preparing signature \"" + tensors.signature + "\"");
    made_ = true;
  }

  ~SessionCallable() override {
    if (made_) session_.ReleaseCallable(handle_).IgnoreError();
  }

  std::vector<Tensor> Run(const Tensor* const* inputs, const RunTerms& terms) const override {
    if (terms.any_on_gpu()) Gpu();
    // Held until the outputs are made: an output that is one of them is then seen to be shared.
    std::vector<tensorflow::Tensor> feeds;
    feeds.reserve(copy_input_.size());
    for (std::size_t i = 0; i < copy_input_.size(); ++i) feeds.push_back(ToTensorFlow(*inputs[i], copy_input_[i]));
    std::vector<tensorflow::Tensor> fetches;
    Fetch(feeds, fetches);
    std::vector<Tensor> outputs;
    outputs.reserve(sources_.size());
    for (const OutputSource& source : sources_) {
      if (source.is_input) {
        outputs.push_back(FromTensorFlow(tensorflow::Tensor(feeds[source.index])));
      } else if (uses_[source.index] == 1) {
        outputs.push_back(FromTensorFlow(std::move(fetches[source.index])));
      } else {
        outputs.push_back(FromTensorFlow(tensorflow::Tensor(fetches[source.index])));
      }
    }
    for (std::size_t i = 0; i < terms.on_gpu.size(); ++i) {
      if (terms.on_gpu[i]) outputs[i] = OnGpu(outputs[i]);
    }
    return outputs;
  }

  std::unique_ptr<Binding> Bind(std::vector<Tensor> inputs, std::vector<BoundOutput> outputs) const override;

  Tensor MakeInput(DType dtype, const Shape& shape, bool on_gpu) const override {
    if (on_gpu) return Gpu().AllocateZeros(dtype, shape);
    Tensor tensor = Tensor::Empty(dtype, shape);
    if (tensor.num_bytes() != 0) std::memset(tensor.data(), 0, tensor.num_bytes());
    return tensor;
  }

  const GpuDevice& Gpu() const {
    if (gpu_ == nullptr) throw UnsupportedError("inputs and outputs on a GPU need a model that runs there, not on cpu");
    return *gpu_;
  }

  // Whether the graph may keep the input, so that it needs a copy of its own.
  bool copies_input(std::size_t index) const { return copy_input_[index]; }

  // The tensor of an output, after Fetch.
  const tensorflow::Tensor& Output(std::size_t index, const std::vector<tensorflow::Tensor>& feeds,
                                   const std::vector<tensorflow::Tensor>& fetches) const {
    const OutputSource& source = sources_[index];
    return source.is_input ? feeds[source.index] : fetches[source.index];
  }

  void Fetch(const std::vector<tensorflow::Tensor>& feeds, std::vector<tensorflow::Tensor>& fetches) const {
    fetches.assign(uses_.size(), NotComputed());
    if (made_) {
      ThrowIfError(pools_ == nullptr ? session_.RunCallable(handle_, feeds, &fetches, nullptr)
                                     : session_.RunCallable(handle_, feeds, &fetches, nullptr, *pools_),
                   context_);
    }
    for (std::size_t i = 0; i < fetches.size(); ++i) {
      if (fetches[i].SharesBufferWith(NotComputed())) {
        throw InvalidArgumentError(context_ + " failed: \"" + fetch_names_[i] +
                                   "\" is on a branch of the graph that these inputs do not take, so it has no value");
      }
    }
  }

 private:
  Tensor OnGpu(const Tensor& output) const {
    if (output.dtype() == DType::kString) throw UnsupportedError("an output of strings cannot be on a GPU");
    Tensor result = Gpu().AllocateZeros(output.dtype(), output.shape());
    CopyElements(output, result);
    return result;
  }

  tensorflow::Session& session_;
  const std::vector<bool> copy_input_;
  const tensorflow::thread::ThreadPoolOptions* const pools_;
  const GpuDevice* const gpu_;
  const std::string context_;
  std::vector<OutputSource> sources_;
  std::vector<int> uses_;  // of each fetch
  tensorflow::Session::CallableHandle handle_ = 0;
  bool made_ = false;
  std::vector<std::string> fetch_names_;
};

// An input's memory as TensorFlow reads it, prepared once as far as that goes.
class BoundInput {
 public:
  BoundInput(Tensor tensor, bool copy)
      : tensor_(std::move(tensor)), how_(copy || tensor_.dtype() == DType::kString ? How::kNewCopy : How::kLent) {
    if (how_ == How::kLent && (tensor_.on_gpu() || !IsAligned(tensor_.data()))) how_ = How::kCopy;
  }

  tensorflow::Tensor First() const { return ToTensorFlow(tensor_, how_ != How::kLent); }

  void Update(tensorflow::Tensor& feed) const {
    if (how_ == How::kNewCopy) feed = ToTensorFlow(tensor_, true);
    if (how_ == How::kCopy) CopyElements(tensor_, feed.data());
  }

 private:
  // kCopy: into the same place each time; kNewCopy: the graph may still have the last one.
  enum class How { kLent, kCopy, kNewCopy };

  Tensor tensor_;
  How how_;
};

class SessionBinding final : public Binding {
 public:
  SessionBinding(const SessionCallable& callable, std::vector<Tensor> inputs, std::vector<BoundOutput> outputs)
      : callable_(callable), bound_(std::move(outputs)) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      inputs_.emplace_back(std::move(inputs[i]), callable.copies_input(i));
      feeds_.push_back(inputs_.back().First());
    }
  }

  void Run(std::vector<Tensor>& outputs, void* const* stream) override {
    // Copies are made in the default stream, and waited for: nothing need be waited for afterwards.
    if (stream != nullptr) OrderDefaultStreamAfter(*stream, callable_.Gpu().index());
    for (std::size_t i = 0; i < inputs_.size(); ++i) inputs_[i].Update(feeds_[i]);
    callable_.Fetch(feeds_, fetches_);
    for (std::size_t i = 0; i < bound_.size(); ++i) {
      if (bound_[i].memory.valid()) RequireFits(bound_[i], i);
    }
    for (std::size_t i = 0; i < bound_.size(); ++i) {
      if (bound_[i].memory.valid()) outputs[i] = bound_[i].memory;
      const tensorflow::Tensor& output = callable_.Output(i, feeds_, fetches_);
      bound_[i].on_gpu ? ToGpu(output, outputs[i]) : CopyFromTensorFlow(output, outputs[i]);
    }
    // What was fetched goes back now, not with the next call.
    fetches_.clear();
  }

 private:
  void RequireFits(const BoundOutput& bound, std::size_t index) const {
    const tensorflow::Tensor& output = callable_.Output(index, feeds_, fetches_);
    const std::optional<DType> dtype = FromTensorFlow(output.dtype());
    if (dtype) tftrt::RequireFits(bound, *dtype, FromTensorFlow(output.shape()));
  }

  void ToGpu(const tensorflow::Tensor& output, Tensor& result) const {
    const std::optional<DType> dtype = FromTensorFlow(output.dtype());
    if (!dtype || *dtype == DType::kString) {
      throw UnsupportedError("an output of TensorFlow's dtype " + tensorflow::DataTypeString(output.dtype()) +
                             " cannot be on a GPU");
    }
    const Shape shape = FromTensorFlow(output.shape());
    if (!result.valid() || result.shape() != shape) result = callable_.Gpu().AllocateZeros(*dtype, shape);
    CopyElements(output.data(), result);
  }

  const SessionCallable& callable_;
  const std::vector<BoundOutput> bound_;
  std::vector<BoundInput> inputs_;
  std::vector<tensorflow::Tensor> feeds_;
  std::vector<tensorflow::Tensor> fetches_;
};

std::unique_ptr<Binding> SessionCallable::Bind(std::vector<Tensor> inputs, std::vector<BoundOutput> outputs) const {
  for (const BoundOutput& output : outputs) {
    if (output.on_gpu) RequireOn(Gpu(), output.memory, "the memory of an output");
  }
  return std::make_unique<SessionBinding>(*this, std::move(inputs), std::move(outputs));
}

}  // namespace

std::unique_ptr<Callable> MakeSessionCallable(tensorflow::Session& session, CallableTensors tensors,
                                              bool single_threaded,
                                              const tensorflow::thread::ThreadPoolOptions* pools) {
  return std::make_unique<SessionCallable>(session, std::move(tensors), single_threaded, pools);
}

}  // namespace tftrt
