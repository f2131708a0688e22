#include "gpu/cuda.h"

#include <dlfcn.h>

#include <string>

#include "tftrt/error.h"

namespace tftrt {
namespace {

constexpr char kLibrary[] = "libcudart.so.12";

template <typename Function>
void Find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  if (function == nullptr) throw IncompatibleError(std::string(kLibrary) + " has no function " + name);
}

Cuda Load() {
  // Never closed: CUDA does not survive it.
  void* library = dlopen(kLibrary, RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) library = dlopen(kLibrary, RTLD_LAZY);
  if (library == nullptr) {
    throw IncompatibleError(std::string("CUDA's runtime library is not there: ") + dlerror() +
                            "; \"tftrt doctor\" says what to install");
  }
  Cuda cuda;
  Find(library, "cudaSetDevice", cuda.SetDevice);
  Find(library, "cudaGetLastError", cuda.GetLastError);
  Find(library, "cudaGetErrorString", cuda.GetErrorString);
  Find(library, "cudaMemGetInfo", cuda.MemGetInfo);
  Find(library, "cudaHostAlloc", cuda.HostAlloc);
  Find(library, "cudaFreeHost", cuda.FreeHost);
  Find(library, "cudaPointerGetAttributes", cuda.PointerGetAttributes);
  Find(library, "cudaMemcpy", cuda.Memcpy);
  Find(library, "cudaMemset", cuda.Memset);
  Find(library, "cudaMemcpyAsync", cuda.MemcpyAsync);
  Find(library, "cudaStreamCreateWithFlags", cuda.StreamCreateWithFlags);
  Find(library, "cudaStreamDestroy", cuda.StreamDestroy);
  Find(library, "cudaStreamSynchronize", cuda.StreamSynchronize);
  Find(library, "cudaStreamWaitEvent", cuda.StreamWaitEvent);
  Find(library, "cudaStreamBeginCapture", cuda.StreamBeginCapture);
  Find(library, "cudaStreamEndCapture", cuda.StreamEndCapture);
  Find(library, "cudaEventCreateWithFlags", cuda.EventCreateWithFlags);
  Find(library, "cudaEventDestroy", cuda.EventDestroy);
  Find(library, "cudaEventRecord", cuda.EventRecord);
  Find(library, "cudaEventSynchronize", cuda.EventSynchronize);
  Find(library, "cudaEventQuery", cuda.EventQuery);
  Find(library, "cudaGraphInstantiateWithFlags", cuda.GraphInstantiateWithFlags);
  Find(library, "cudaGraphUpload", cuda.GraphUpload);
  Find(library, "cudaGraphLaunch", cuda.GraphLaunch);
  Find(library, "cudaGraphDestroy", cuda.GraphDestroy);
  Find(library, "cudaGraphExecDestroy", cuda.GraphExecDestroy);
  return cuda;
}

}  // namespace

const Cuda& GetCuda() {
  static const Cuda cuda = Load();
  return cuda;
}

CudaPointerAttributes AttributesOf(const void* pointer) {
  CudaPointerAttributes attributes = {};
  if (GetCuda().PointerGetAttributes(&attributes, pointer) == kCudaSuccess) return attributes;
  GetCuda().GetLastError();
  return {};
}

void CheckCuda(int error, const char* what) {
  if (error == kCudaSuccess) return;
  throw InternalError(std::string(what) + " failed: CUDA error " + std::to_string(error) + ", " +
                      GetCuda().GetErrorString(error));
}

}  // namespace tftrt
