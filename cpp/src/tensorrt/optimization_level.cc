#include "tensorrt/optimization_level.h"

#include <dlfcn.h>

#include "tftrt/error.h"

namespace tftrt {
namespace {

// The shim that stands between TensorFlow and TensorRT, and its function; see shims/builder_hook.cc.
constexpr char kShim[] = "libnvinfer.so.8.6.1";
constexpr char kFunction[] = "tftrt_set_optimization_level";

}  // namespace

void SetOptimizationLevel(int level) {
  void* library = dlopen(kShim, RTLD_LAZY | RTLD_NOLOAD);
  void* function = library == nullptr ? nullptr : dlsym(library, kFunction);
  if (function != nullptr) return reinterpret_cast<void (*)(int)>(function)(level);
  if (level < 0) return;
  throw UnsupportedError(
      "optimization_level cannot be set: this process has opened a libnvinfer.so.8.6.1 that is not tftrt's. Let tftrt "
      "open TensorRT, from a folder set by tensorrt_dir or TFTRT_TENSORRT_DIR, or leave optimization_level out");
}

}  // namespace tftrt
