#ifndef TFTRT_RUNTIME_GPU_CALLABLE_H_
#define TFTRT_RUNTIME_GPU_CALLABLE_H_

#include <memory>
#include <vector>

#include "api/backend.h"
#include "runtime/session_run.h"
#include "tf/gpu_device.h"

namespace tftrt {

// A signature run by TensorFlow's session on a GPU. Inputs and outputs are handed over there, save the dtypes with
// which TensorFlow cannot; all copies go through TensorFlow's own stream, and the caller waits for that and not for
// TensorFlow. `dtypes` are those of `tensors`. `session` and `gpu` must outlive it; `pools` too, where given. Throws as
// ThrowIfLoadError does.
struct CallableDTypes {
  std::vector<DType> inputs;
  std::vector<DType> outputs;
};
std::unique_ptr<Callable> MakeGpuCallable(tensorflow::Session& session, const GpuDevice& gpu,
                                          const CallableTensors& tensors, const CallableDTypes& dtypes,
                                          const tensorflow::thread::ThreadPoolOptions* pools);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_GPU_CALLABLE_H_
