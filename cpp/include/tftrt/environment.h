#ifndef TFTRT_ENVIRONMENT_H_
#define TFTRT_ENVIRONMENT_H_

#include <string>
#include <vector>

#include "tftrt/export.h"
#include "tftrt/options.h"

namespace tftrt {

// Sets what TensorFlow keeps for the whole process. Call it before the first model is loaded; it can be called
// again, by several components, as long as they agree. Throws InvalidArgumentError, naming both values, if a field
// is set that already has another value. Thread-safe.
TFTRT_EXPORT void Configure(const RuntimeOptions& options);

// A shared library that the GPU path needs, as found by the same search that loading a model uses.
struct LibraryReport {
  std::string name;     // "libnvinfer.so.8"
  bool found = false;   // it can be opened
  std::string path;     // where it is; empty if not found
  std::string version;  // "8.6.1"; empty if unknown
  std::string detail;   // why it was not found or cannot be used; empty if all is well
};

// A GPU, as far as engines depend on it.
struct GpuReport {
  std::string name;                // "NVIDIA H100 80GB HBM3"
  std::string compute_capability;  // "9.0"
  std::string driver;              // "580.65.06"; the CUDA version that it supports, "CUDA 13.0", if that is unknown
};

struct EnvironmentReport {
  LibraryReport tensorflow;
  std::vector<LibraryReport> tensorrt;  // libnvinfer, libnvinfer_plugin
  std::vector<LibraryReport> cuda;      // driver, runtime, cuBLAS, cuDNN
  std::vector<std::string> gpus;        // "NVIDIA H100 80GB HBM3 (compute capability 9.0)"
};

// Looks for everything that a model may need, without opening TensorFlow. Thread-safe.
TFTRT_EXPORT EnvironmentReport InspectEnvironment();

// The GPU with this index, in the order of CUDA (after CUDA_VISIBLE_DEVICES). Throws IncompatibleError if there is
// none. Thread-safe.
TFTRT_EXPORT GpuReport InspectGpu(int index);

// The version of the TensorRT that OpenTensorRt() opened, "8.6.1"; empty if it is not open. Thread-safe.
TFTRT_EXPORT std::string TensorRtVersion();

// Tells where TensorFlow's libraries are likely to be: a folder that is tried after options, the environment and
// tftrt's own surroundings. Python passes what its import system would find. Thread-safe.
TFTRT_EXPORT void SetTensorFlowHint(const std::string& directory);

// Opens TensorFlow now instead of on the first load, and registers tftrt's kernels with it, so that TensorFlow's
// own Python loads converted models on a CPU too. Thread-safe; later calls do nothing.
// Throws IncompatibleError if TensorFlow is missing or has another version than tftrt was built with.
TFTRT_EXPORT void OpenTensorFlow();

// Waits until no model of the process has a call in a thread of its own: of Model::RunAsync, or one that was given up
// and still runs. For the end of a program whose memory such calls use. Returns at once in a thread of a model's.
TFTRT_EXPORT void WaitForQueuedCalls();

// Opens TensorRT for TensorFlow now, as loading a model does on a machine with a GPU. Returns why it could not; empty
// if it could. Thread-safe.
TFTRT_EXPORT std::string OpenTensorRt();

}  // namespace tftrt

#endif  // TFTRT_ENVIRONMENT_H_
