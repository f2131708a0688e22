#include "gpu/transfer.h"

#include <cstring>

#include "gpu/cuda.h"
#include "gpu/cuda_event.h"

namespace tftrt {
namespace {

void Copy(const void* from, void* to, std::size_t bytes, int gpu) {
  if (bytes == 0) return;
  if (gpu < 0) {
    std::memcpy(to, from, bytes);
    return;
  }
  CheckCuda(GetCuda().SetDevice(gpu), "choosing the GPU");
  CheckCuda(GetCuda().Memcpy(to, from, bytes, kCudaMemcpyDefault), "copying to or from the GPU");
}

}  // namespace

void CopyElements(const Tensor& from, void* to) { Copy(from.data(), to, from.num_bytes(), from.gpu()); }

void CopyElements(const Tensor& from, Tensor& to) {
  Copy(from.data(), to.data(), to.num_bytes(), to.on_gpu() ? to.gpu() : from.gpu());
}

void CopyElements(const void* from, Tensor& to) { Copy(from, to.data(), to.num_bytes(), to.gpu()); }

int GpuOf(const void* pointer) {
  const CudaPointerAttributes attributes = AttributesOf(pointer);
  const bool on_gpu = attributes.type == kCudaMemoryTypeDevice || attributes.type == kCudaMemoryTypeManaged;
  return on_gpu ? attributes.device : -1;
}

void OrderDefaultStreamAfter(void* stream, int gpu) {
  CheckCuda(GetCuda().SetDevice(gpu), "choosing the GPU");
  CudaEventOwner().Order(static_cast<CudaStream>(stream), kCudaDefaultStream);
}

}  // namespace tftrt
