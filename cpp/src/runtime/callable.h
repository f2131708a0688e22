#ifndef TFTRT_RUNTIME_CALLABLE_H_
#define TFTRT_RUNTIME_CALLABLE_H_

#include <memory>
#include <string>
#include <vector>

#include "api/backend.h"
#include "gpu/gpu_device.h"
#include "tensorflow/core/platform/threadpool_options.h"
#include "tensorflow/core/public/session.h"

namespace tftrt {

struct CallableTensors {
  std::string signature;  // for error messages
  std::vector<std::string> inputs;
  std::vector<bool> copy_input;  // see MayBeRetained
  std::vector<std::string> outputs;
  const GpuDevice* gpu = nullptr;  // that the session runs on, if it does
};

// A TensorFlow callable, made once and shared by all threads. `session` must outlive it; `pools` too, where given.
// Throws as ThrowIfLoadError does.
std::unique_ptr<Callable> MakeSessionCallable(tensorflow::Session& session, CallableTensors tensors,
                                              bool single_threaded, const tensorflow::thread::ThreadPoolOptions* pools);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_CALLABLE_H_
