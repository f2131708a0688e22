#ifndef TFTRT_API_RUNTIME_LOADER_H_
#define TFTRT_API_RUNTIME_LOADER_H_

#include <string>

#include "api/backend.h"

namespace tftrt {

// Opens TensorFlow and libtftrt_runtime.so on the first call. Throws IncompatibleError if that cannot be done; the
// next call then tries again.
Backend& GetBackend();

// Name of the function that libtftrt_runtime.so exports, and its type. `keep_log_level`: have
// TensorFlow take its log level from the environment now. `log_level`: of those parts of it that do not look there.
inline constexpr char kBackendFunction[] = "tftrt_backend";
using BackendFunction = Backend* (*)(bool keep_log_level, int log_level);

// The same of libtftrt_tensorrt.so, which is opened where there is a GPU.
inline constexpr char kTfTrtFunction[] = "tftrt_tf_trt";
using TfTrtFunction = TfTrt* (*)();

}  // namespace tftrt

#endif  // TFTRT_API_RUNTIME_LOADER_H_
