#include <cstring>
#include <utility>

#include "api/backend.h"
#include "api/runtime_loader.h"
#include "tftrt/error.h"
#include "tftrt/tensor.h"

namespace tftrt {
namespace {

std::string Describe(const Tensor& tensor) {
  return tensor.valid() ? std::string(Name(tensor.dtype())) + ToString(tensor.shape()) : "an empty Tensor";
}

}  // namespace

void CopyTensor(const Tensor& from, Tensor& to) {
  const bool fits = from.valid() && to.valid() && from.dtype() == to.dtype() && from.shape() == to.shape();
  if (!fits || from.dtype() == DType::kString) {
    throw InvalidArgumentError("CopyTensor: " + Describe(from) + " cannot be copied to " + Describe(to) +
                               "; expected the same dtype, other than string, and the same shape");
  }
  if (from.num_bytes() == 0) return;
  if (from.on_gpu() || to.on_gpu()) {
    GetBackend().Copy(from, to);
  } else {
    std::memcpy(to.data(), from.data(), from.num_bytes());
  }
}

Tensor Tensor::BorrowCuda(void* data, DType dtype, Shape shape, std::shared_ptr<void> owner, void* cuda_stream) {
  Backend& backend = GetBackend();
  const int gpu = backend.GpuOf(data);
  if (gpu < 0) throw InvalidArgumentError("Tensor::BorrowCuda: the address is not one of memory on a GPU");
  if (cuda_stream != nullptr) backend.OrderDefaultStreamAfter(cuda_stream, gpu);
  return BorrowGpu(data, dtype, std::move(shape), gpu, std::move(owner));
}

}  // namespace tftrt
