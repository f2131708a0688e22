#include "tf/shape_conversion.h"

#include <cstddef>
#include <string>

#include "tftrt/error.h"

namespace tftrt {

tensorflow::TensorShape ToTensorFlow(const Shape& shape) {
  tensorflow::TensorShape result;
  const absl::Status status = tensorflow::TensorShape::BuildTensorShape(shape, &result);
  if (!status.ok()) {
    throw InvalidArgumentError("TensorFlow cannot hold a tensor of shape " + ToString(shape) + ": " +
                               std::string(status.message()));
  }
  return result;
}

Shape FromTensorFlow(const tensorflow::TensorShape& shape) {
  Shape result(static_cast<std::size_t>(shape.dims()));
  for (int i = 0; i < shape.dims(); ++i) result[static_cast<std::size_t>(i)] = shape.dim_size(i);
  return result;
}

}  // namespace tftrt
