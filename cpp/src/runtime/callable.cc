#include "runtime/callable.h"

#include <cstring>
#include <optional>
#include <utility>

#include "api/memory_overlap.h"
#include "runtime/bound_input.h"
#include "runtime/bound_output.h"
#include "tensorflow/core/framework/tensor_util.h"
#include "tf/tensor_conversion.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

[[noreturn]] void ThrowNoGpu() {
  throw UnsupportedError("inputs and outputs on a GPU need a model that runs there, not on cpu");
}

class SessionCallable final : public Callable {
 public:
  SessionCallable(tensorflow::Session& session, const CallableTensors& tensors, bool single_threaded,
                  const tensorflow::thread::ThreadPoolOptions* pools)
      : copy_input_(tensors.copy_input), run_(session, tensors, {}, single_threaded, pools) {}

  std::vector<Tensor> Run(const Tensor* const* inputs, const RunTerms& terms) const override {
    if (terms.any_on_gpu()) ThrowNoGpu();
    // Held until the outputs are made: an output that is one of them is then seen to be shared.
    std::vector<tensorflow::Tensor> feeds;
    feeds.reserve(copy_input_.size());
    for (std::size_t i = 0; i < copy_input_.size(); ++i) feeds.push_back(ToTensorFlow(*inputs[i], copy_input_[i]));
    std::vector<tensorflow::Tensor> fetches;
    run_.Fetch(feeds, fetches);
    std::vector<Tensor> outputs;
    outputs.reserve(run_.outputs());
    for (std::size_t i = 0; i < run_.outputs(); ++i) {
      outputs.push_back(FromTensorFlow(run_.TakeOutput(i, feeds, fetches)));
    }
    return outputs;
  }

  std::unique_ptr<Binding> Bind(std::vector<Tensor> inputs, std::vector<BoundOutput> outputs) const override;

  Tensor MakeInput(DType dtype, const Shape& shape, bool on_gpu) const override {
    if (on_gpu) ThrowNoGpu();
    Tensor tensor = Tensor::Empty(dtype, shape);
    if (tensor.num_bytes() != 0) std::memset(tensor.data(), 0, tensor.num_bytes());
    return tensor;
  }

  const SessionRun& run() const { return run_; }
  bool copies_input(std::size_t index) const { return copy_input_[index]; }

 private:
  const std::vector<bool> copy_input_;
  const SessionRun run_;
};

class SessionBinding final : public Binding {
 public:
  SessionBinding(const SessionCallable& callable, std::vector<Tensor> inputs, std::vector<BoundOutput> outputs)
      : run_(callable.run()), bound_(std::move(outputs)), writes_to_inputs_(AnyIsWrittenTo(inputs, bound_)) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      inputs_.emplace_back(std::move(inputs[i]), callable.copies_input(i));
      feeds_.push_back(inputs_.back().First());
    }
  }

  void Run(std::vector<Tensor>& outputs, void* const* stream) override {
    if (stream != nullptr) ThrowNoGpu();
    for (std::size_t i = 0; i < inputs_.size(); ++i) inputs_[i].Update(feeds_[i]);
    run_.Fetch(feeds_, fetches_);
    for (std::size_t i = 0; i < bound_.size(); ++i) RequireFits(bound_[i], run_.Output(i, feeds_, fetches_));
    std::vector<tensorflow::Tensor> results;
    if (writes_to_inputs_) results = ResultsApart();
    for (std::size_t i = 0; i < bound_.size(); ++i) {
      if (bound_[i].memory.valid()) outputs[i] = bound_[i].memory;
      CopyFromTensorFlow(writes_to_inputs_ ? results[i] : run_.Output(i, feeds_, fetches_), outputs[i]);
    }
    // What was fetched goes back now, not with the next call.
    fetches_.clear();
  }

 private:
  // An output may be an input, whose memory another one is written to.
  std::vector<tensorflow::Tensor> ResultsApart() const {
    std::vector<tensorflow::Tensor> results;
    for (std::size_t i = 0; i < bound_.size(); ++i) {
      const tensorflow::Tensor& result = results.emplace_back(run_.Output(i, feeds_, fetches_));
      if (result.dtype() == tensorflow::DT_STRING || !IsWrittenTo(result.data(), result.TotalBytes(), bound_)) continue;
      results.back() = tensorflow::tensor::DeepCopy(result);
    }
    return results;
  }

  const SessionRun& run_;
  const std::vector<BoundOutput> bound_;
  const bool writes_to_inputs_;
  std::vector<BoundInput> inputs_;
  std::vector<tensorflow::Tensor> feeds_;
  std::vector<tensorflow::Tensor> fetches_;
};

std::unique_ptr<Binding> SessionCallable::Bind(std::vector<Tensor> inputs, std::vector<BoundOutput> outputs) const {
  for (const BoundOutput& output : outputs) {
    if (output.on_gpu) ThrowNoGpu();
  }
  return std::make_unique<SessionBinding>(*this, std::move(inputs), std::move(outputs));
}

}  // namespace

std::unique_ptr<Callable> MakeSessionCallable(tensorflow::Session& session, const CallableTensors& tensors,
                                              bool single_threaded,
                                              const tensorflow::thread::ThreadPoolOptions* pools) {
  return std::make_unique<SessionCallable>(session, tensors, single_threaded, pools);
}

}  // namespace tftrt
