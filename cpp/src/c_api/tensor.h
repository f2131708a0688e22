#ifndef TFTRT_C_API_TENSOR_H_
#define TFTRT_C_API_TENSOR_H_

#include <vector>

#include "tftrt/c_api.h"
#include "tftrt/tensor.h"

struct tftrt_tensor {
  tftrt::Tensor tensor;
};

namespace tftrt::c_api {

// Fills in a view, whose pointers are the tensor's.
void ViewTensor(const Tensor& tensor, tftrt_tensor_view* view);

// New handles of `tensors`, for the caller to free: all of them, or what it throws.
std::vector<tftrt_tensor*> MakeHandles(std::vector<Tensor> tensors);

}  // namespace tftrt::c_api

#endif  // TFTRT_C_API_TENSOR_H_
