#ifndef TFTRT_TF_TENSOR_CONVERSION_H_
#define TFTRT_TF_TENSOR_CONVERSION_H_

#include <optional>

#include "tensorflow/core/framework/tensor.h"
#include "tf/shape_conversion.h"
#include "tftrt/tensor.h"

namespace tftrt {

// Nothing for TensorFlow's types that tftrt has no equal of (resource, variant, quantized types).
std::optional<DType> FromTensorFlow(tensorflow::DataType type);
tensorflow::DataType ToTensorFlow(DType dtype);

// Lends the tensor's memory to TensorFlow, or copies it to the host's where that cannot be: strings, addresses that are
// not aligned or on a GPU, and if `copy` asks for it.
tensorflow::Tensor ToTensorFlow(const Tensor& tensor, bool copy);

// Whether TensorFlow can read this memory without a copy.
bool IsAligned(const void* data);

// Copies the elements into `result`'s memory if shape and dtype are the same, else into new memory.
void CopyFromTensorFlow(const tensorflow::Tensor& tensor, Tensor& result);

// Takes over the tensor's memory if nobody else refers to it, else copies it.
Tensor FromTensorFlow(tensorflow::Tensor&& tensor);

}  // namespace tftrt

#endif  // TFTRT_TF_TENSOR_CONVERSION_H_
