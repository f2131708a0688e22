#ifndef TFTRT_GPU_TRANSFER_H_
#define TFTRT_GPU_TRANSFER_H_

#include "tftrt/tensor.h"

namespace tftrt {

// Copies between host and GPUs, as the tensors lie, and waits for it; of tensors with as many bytes. After what was
// queued in CUDA's default stream. Throws IncompatibleError if a GPU is concerned and there is no CUDA.
void CopyElements(const Tensor& from, Tensor& to);
void CopyElements(const Tensor& from, void* host);
void CopyElements(const void* host, Tensor& to);

// Number of the GPU that `pointer` lies on; -1 if on none. Throws IncompatibleError if there is no CUDA.
int GpuOf(const void* pointer);

// Has what is queued in CUDA's default stream from now on come after what is in `stream`.
void OrderDefaultStreamAfter(void* stream, int gpu);

}  // namespace tftrt

#endif  // TFTRT_GPU_TRANSFER_H_
