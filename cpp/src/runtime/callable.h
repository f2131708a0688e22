#ifndef TFTRT_RUNTIME_CALLABLE_H_
#define TFTRT_RUNTIME_CALLABLE_H_

#include <memory>

#include "api/backend.h"
#include "runtime/session_run.h"

namespace tftrt {

// A signature run by TensorFlow's session, with all inputs and outputs on the host. `session` must outlive it; `pools`
// too, where given. Throws as ThrowIfLoadError does.
std::unique_ptr<Callable> MakeSessionCallable(tensorflow::Session& session, const CallableTensors& tensors,
                                              bool single_threaded, const tensorflow::thread::ThreadPoolOptions* pools);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_CALLABLE_H_
