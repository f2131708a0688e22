#include "tensorrt/engine_execution.h"

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

#include "tensorrt/tf_trt_layout.h"
#include "tf/status.h"
#include "tftrt/error.h"

namespace {

// nvinfer1::IExecutionContext of TensorRT 8.6; see shims/builder_hook.cc. The slots are those that TensorFlow's own
// compiled code uses.
struct ContextInterface {
  void** vtable;
  struct Implementation {
    void** vtable;
  }* implementation;
};
constexpr int kDelete = 1;            // of the interface
constexpr int kSetDeviceMemory = 11;  // of the implementation
constexpr int kSetOptimizationProfile = 13;

ContextInterface* InterfaceOf(nvinfer1::IExecutionContext* context) {
  return reinterpret_cast<ContextInterface*>(context);
}

template <typename Result, typename... Arguments>
Result Call(nvinfer1::IExecutionContext* context, int slot, Arguments... arguments) {
  auto* implementation = InterfaceOf(context)->implementation;
  using Function = Result(ContextInterface::Implementation*, Arguments...);
  return reinterpret_cast<Function*>(implementation->vtable[slot])(implementation, arguments...);
}

}  // namespace

namespace tensorflow::tensorrt {

ExecutionContext::~ExecutionContext() {
  if (context == nullptr) return;
  ContextInterface* interface = InterfaceOf(context);
  reinterpret_cast<void (*)(ContextInterface*)>(interface->vtable[kDelete])(interface);
}

}  // namespace tensorflow::tensorrt

namespace tftrt {
namespace {

namespace trt = tensorflow::tensorrt;

// TF-TRT's names of an engine's inputs and outputs, before their number.
constexpr char kInputName[] = "TensorRTInputPH_";
constexpr char kOutputName[] = "TensorRTOutputPH_";

}  // namespace

TensorRtExecution::TensorRtExecution(std::shared_ptr<const void> owner, const EngineSlot& slot,
                                     const trt::TrtShapeOptimizationProfile& profiles, bool implicit_batch,
                                     std::size_t outputs, bool another)
    : owner_(std::move(owner)), slot_(slot), profiles_(profiles), implicit_batch_(implicit_batch) {
  const tensorflow::mutex_lock lock(slot_.engine->mu);
  execution_ = &slot_.engine->execution_contexts[static_cast<std::size_t>(slot_.profile)];
  if (another) {
    own_ = std::make_unique<trt::ExecutionContext>(trt::ExecutionContext::Create(slot_.engine->cuda_engine));
    execution_ = own_.get();
    if (own_->context == nullptr) throw InternalError("TensorRT made no execution context; is the GPU's memory full?");
    const bool has_profiles = !implicit_batch && profiles.need_profiles_;
    if (has_profiles && !Call<bool>(own_->context, kSetOptimizationProfile, slot_.profile)) {
      throw UnsupportedError(
          "the engine was built so that one request at a time can use it; build it again with tftrt build, or load the "
          "model with instances = 1");
    }
  }
  for (std::size_t i = 0; i < outputs; ++i) output_bindings_.push_back(Binding(kOutputName, i));
}

TensorRtExecution::~TensorRtExecution() = default;

std::size_t TensorRtExecution::workspace_bytes() const { return slot_.engine->device_memory_size; }

int TensorRtExecution::Binding(const char* prefix, std::size_t index) const {
  int binding = -1;
  const std::string name = prefix + std::to_string(index);
  return trt::GetTrtBindingIndex(name.c_str(), slot_.profile, slot_.engine->cuda_engine, &binding).ok() ? binding : -1;
}

std::unique_lock<tensorflow::mutex> TensorRtExecution::LockShared() const {
  return own_ == nullptr ? std::unique_lock(slot_.engine->mu) : std::unique_lock<tensorflow::mutex>();
}

std::vector<tensorflow::TensorShape> TensorRtExecution::SetInputs(const std::vector<tensorflow::Tensor>& inputs) {
  const std::unique_lock lock = LockShared();
  trt::DataVec named;
  input_bindings_.clear();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    named.push_back({kInputName + std::to_string(i), inputs[i]});
    input_bindings_.push_back(Binding(kInputName, i));
  }
  batch_ = implicit_batch_ ? static_cast<int>(inputs.at(0).dim_size(0)) : 0;
  bindings_.assign((inputs.size() + output_bindings_.size()) * std::max<std::size_t>(1, profiles_.profiles_.size()),
                   nullptr);
  ThrowIfError(trt::SetTrtEngineInputs(slot_.engine->cuda_engine, execution_->context, slot_.profile, bindings_,
                                       implicit_batch_, batch_, profiles_, nullptr, &named),
               "setting an engine's inputs");
  std::vector<tensorflow::TensorShape> shapes;
  for (int binding : output_bindings_) {
    ThrowIfError(trt::GetTrtBindingShape(slot_.engine->cuda_engine, execution_->context, binding, implicit_batch_,
                                         batch_, shapes.emplace_back()),
                 "reading the shapes of an engine's outputs");
  }
  return shapes;
}

void TensorRtExecution::Enqueue(void* workspace, const std::vector<void*>& inputs, const std::vector<void*>& outputs,
                                CudaStream stream) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (input_bindings_[i] >= 0) bindings_[static_cast<std::size_t>(input_bindings_[i])] = inputs[i];
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    bindings_[static_cast<std::size_t>(output_bindings_[i])] = outputs[i];
  }
  const std::unique_lock lock = LockShared();
  if (!execution_->has_device_memory) Call<void>(execution_->context, kSetDeviceMemory, workspace);
  ThrowIfError(trt::TrtEnqueue(execution_->context, bindings_, stream, implicit_batch_, batch_), "running an engine");
}

}  // namespace tftrt
