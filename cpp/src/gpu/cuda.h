#ifndef TFTRT_GPU_CUDA_H_
#define TFTRT_GPU_CUDA_H_

#include <cstddef>

// CUDA's own opaque types.
struct CUstream_st;
struct CUevent_st;
struct CUgraph_st;
struct CUgraphExec_st;

namespace tftrt {

using CudaStream = CUstream_st*;
using CudaEvent = CUevent_st*;
using CudaGraph = CUgraph_st*;
using CudaGraphExec = CUgraphExec_st*;

// The constants of cuda_runtime_api.h that are used; the build needs no CUDA header.
inline constexpr int kCudaSuccess = 0;
inline constexpr int kCudaMemcpyHostToDevice = 1;
inline constexpr int kCudaMemcpyDeviceToHost = 2;
inline constexpr int kCudaMemcpyDeviceToDevice = 3;
inline constexpr int kCudaMemcpyDefault = 4;  // as the addresses say
inline constexpr int kCudaErrorNotReady = 600;
inline constexpr unsigned kCudaStreamNonBlocking = 1;
inline constexpr unsigned kCudaEventDisableTiming = 2;
inline constexpr int kCudaStreamCaptureModeThreadLocal = 1;
inline constexpr int kCudaMemoryTypeHost = 1;  // pinned
inline constexpr int kCudaMemoryTypeDevice = 2;
inline constexpr int kCudaMemoryTypeManaged = 3;
// The default stream, which others wait for unless they are kCudaStreamNonBlocking.
inline const CudaStream kCudaDefaultStream = nullptr;

struct CudaPointerAttributes {
  int type;
  int device;
  void* device_pointer;
  void* host_pointer;
};

// The functions of CUDA's runtime library that are used, under their names without "cuda". Each returns kCudaSuccess or
// an error's number.
struct Cuda {
  int (*SetDevice)(int device);
  int (*GetLastError)();
  const char* (*GetErrorString)(int error);
  int (*MemGetInfo)(std::size_t* free, std::size_t* total);
  int (*HostAlloc)(void** pointer, std::size_t bytes, unsigned flags);
  int (*FreeHost)(void* pointer);
  int (*PointerGetAttributes)(CudaPointerAttributes* attributes, const void* pointer);
  int (*Memcpy)(void* to, const void* from, std::size_t bytes, int kind);
  int (*Memset)(void* pointer, int value, std::size_t bytes);
  int (*MemcpyAsync)(void* to, const void* from, std::size_t bytes, int kind, CudaStream stream);
  int (*StreamCreateWithFlags)(CudaStream* stream, unsigned flags);
  int (*StreamDestroy)(CudaStream stream);
  int (*StreamSynchronize)(CudaStream stream);
  int (*StreamWaitEvent)(CudaStream stream, CudaEvent event, unsigned flags);
  int (*StreamBeginCapture)(CudaStream stream, int mode);
  int (*StreamEndCapture)(CudaStream stream, CudaGraph* graph);
  int (*EventCreateWithFlags)(CudaEvent* event, unsigned flags);
  int (*EventDestroy)(CudaEvent event);
  int (*EventRecord)(CudaEvent event, CudaStream stream);
  int (*EventSynchronize)(CudaEvent event);
  int (*EventQuery)(CudaEvent event);
  int (*GraphInstantiateWithFlags)(CudaGraphExec* executable, CudaGraph graph, unsigned long long flags);
  int (*GraphUpload)(CudaGraphExec executable, CudaStream stream);
  int (*GraphLaunch)(CudaGraphExec executable, CudaStream stream);
  int (*GraphDestroy)(CudaGraph graph);
  int (*GraphExecDestroy)(CudaGraphExec executable);
};

// Of the runtime library that TensorFlow has opened. Throws IncompatibleError if it has none, or one that lacks a
// function.
const Cuda& GetCuda();

// What CUDA knows of an address; type 0 if it knows nothing.
CudaPointerAttributes AttributesOf(const void* pointer);

// Throws InternalError if `error` is one: `what` says what was being done.
void CheckCuda(int error, const char* what);

}  // namespace tftrt

#endif  // TFTRT_GPU_CUDA_H_
