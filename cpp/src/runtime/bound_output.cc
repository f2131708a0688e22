#include "runtime/bound_output.h"

#include <optional>
#include <string>

#include "tf/tensor_conversion.h"
#include "tftrt/error.h"

namespace tftrt {

void RequireFits(const BoundOutput& output, DType dtype, const Shape& shape) {
  const Tensor& memory = output.memory;
  if (!memory.valid() || (memory.dtype() == dtype && memory.shape() == shape)) return;
  throw InvalidArgumentError("output \"" + output.name + "\" is " + std::string(Name(dtype)) + ToString(shape) +
                             ", but the memory that it is bound to is " + std::string(Name(memory.dtype())) +
                             ToString(memory.shape()) + "; bind it to memory of that shape");
}

void RequireFits(const BoundOutput& output, const tensorflow::Tensor& computed) {
  if (!output.memory.valid()) return;
  const std::optional<DType> dtype = FromTensorFlow(computed.dtype());
  if (dtype) RequireFits(output, *dtype, FromTensorFlow(computed.shape()));
}

void RequireOn(const GpuDevice& gpu, const Tensor& tensor, const char* what) {
  if (!tensor.on_gpu() || tensor.gpu() == gpu.index()) return;
  throw UnsupportedError(std::string(what) + " is on gpu:" + std::to_string(tensor.gpu()) +
                         ", but the model runs on gpu:" + std::to_string(gpu.index()) + "; copy it there first");
}

}  // namespace tftrt
