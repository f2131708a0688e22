#ifndef TFTRT_BINDINGS_GPU_ARRAY_H_
#define TFTRT_BINDINGS_GPU_ARRAY_H_

#include "bindings.h"

namespace tftrt::bindings {

// An array on a GPU, for other libraries to read and write through DLPack or CUDA's array interface.
class GpuArray {
 public:
  explicit GpuArray(Tensor tensor) : tensor_(std::move(tensor)) {}

  const Tensor& tensor() const { return tensor_; }

 private:
  Tensor tensor_;
};

// Memory on a GPU as a GpuArray, on the host as a numpy array.
pybind11::object ToArray(const Tensor& tensor);

}  // namespace tftrt::bindings

#endif  // TFTRT_BINDINGS_GPU_ARRAY_H_
