#ifndef TFTRT_TF_SHAPE_CONVERSION_H_
#define TFTRT_TF_SHAPE_CONVERSION_H_

#include "tensorflow/core/framework/tensor_shape.h"
#include "tftrt/tensor.h"

namespace tftrt {

// Throws InvalidArgumentError for dimensions that TensorFlow cannot hold.
tensorflow::TensorShape ToTensorFlow(const Shape& shape);
Shape FromTensorFlow(const tensorflow::TensorShape& shape);

}  // namespace tftrt

#endif  // TFTRT_TF_SHAPE_CONVERSION_H_
