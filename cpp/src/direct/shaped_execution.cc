#include "direct/shaped_execution.h"

#include <atomic>

#include "tf/tensor_conversion.h"

namespace tftrt {
namespace {

// TensorRT's requirement for addresses.
constexpr std::uintptr_t kAlignment = 256;

bool TakenInPlace(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % kAlignment == 0; }

std::size_t BytesOf(tensorflow::DataType dtype, const tensorflow::TensorShape& shape) {
  return static_cast<std::size_t>(shape.num_elements() * tensorflow::DataTypeSize(dtype));
}

void Copy(void* to, const void* from, std::size_t bytes, int kind, CudaStream stream) {
  CheckCuda(GetCuda().MemcpyAsync(to, from, bytes, kind, stream), "copying to or from the GPU");
}

}  // namespace

void ShapedExecution::BeginGeneration() {
  static std::atomic<std::uint64_t> generations{0};
  generation_ = generations.fetch_add(1, std::memory_order_relaxed) + 1;
  capture_problem.clear();
}

void ShapedExecution::SetShapes(const GpuDevice& gpu, const ShapeKey& key, const EngineTypes& types) {
  generation_ = 0;
  inputs_.resize(types.inputs.size());
  outputs_.resize(types.outputs.size());
  input_addresses_.resize(types.inputs.size());
  output_addresses_.resize(types.outputs.size());
  input_bytes_.clear();
  output_bytes_.clear();
  output_shapes_.clear();
  std::vector<tensorflow::Tensor> inputs;
  const std::vector<Shape> shapes = key.shapes();
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const tensorflow::TensorShape shape = ToTensorFlow(shapes[i]);
    input_bytes_.push_back(BytesOf(types.inputs[i], shape));
    inputs_[i].Reserve(gpu, input_bytes_.back());
    inputs.push_back(inputs_[i].View(types.inputs[i], shape));
  }
  const std::vector<tensorflow::TensorShape> output_shapes = execution_->SetInputs(inputs);
  for (std::size_t i = 0; i < output_shapes.size(); ++i) {
    output_bytes_.push_back(BytesOf(types.outputs[i], output_shapes[i]));
    outputs_[i].Reserve(gpu, output_bytes_.back());
    output_shapes_.push_back(FromTensorFlow(output_shapes[i]));
  }
  key_ = key;
  BeginGeneration();
}

void ShapedExecution::Queue(void* workspace, const RunAddresses& addresses, CudaStream stream) {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const RunAddress& from = addresses.inputs[i];
    const bool in_place = !from.on_host && TakenInPlace(from.pointer);
    input_addresses_[i] = in_place ? from.pointer : inputs_[i].data();
    if (in_place) continue;
    const int kind = from.on_host ? kCudaMemcpyHostToDevice : kCudaMemcpyDeviceToDevice;
    Copy(inputs_[i].data(), from.pointer, input_bytes_[i], kind, stream);
  }
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const RunAddress& to = addresses.outputs[i];
    const bool in_place = to.pointer != nullptr && !to.on_host && TakenInPlace(to.pointer);
    output_addresses_[i] = in_place ? to.pointer : outputs_[i].data();
  }
  execution_->Enqueue(workspace, input_addresses_, output_addresses_, stream);
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const RunAddress& to = addresses.outputs[i];
    if (to.pointer == nullptr || output_addresses_[i] == to.pointer) continue;
    const int kind = to.on_host ? kCudaMemcpyDeviceToHost : kCudaMemcpyDeviceToDevice;
    Copy(to.pointer, outputs_[i].data(), output_bytes_[i], kind, stream);
  }
}

}  // namespace tftrt
