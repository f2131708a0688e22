#ifndef TFTRT_RUNTIME_BOUND_OUTPUT_H_
#define TFTRT_RUNTIME_BOUND_OUTPUT_H_

#include "api/backend.h"
#include "tensorflow/core/framework/tensor.h"
#include "tf/gpu_device.h"

namespace tftrt {

// Throws InvalidArgumentError if the output's memory is the caller's, and of another dtype or shape than these.
void RequireFits(const BoundOutput& output, DType dtype, const Shape& shape);
void RequireFits(const BoundOutput& output, const tensorflow::Tensor& computed);

// Throws UnsupportedError if the tensor is on another GPU; `what` is it.
void RequireOn(const GpuDevice& gpu, const Tensor& tensor, const char* what);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_BOUND_OUTPUT_H_
