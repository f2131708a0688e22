#ifndef TFTRT_ENVIRONMENT_CUDA_LIBRARIES_H_
#define TFTRT_ENVIRONMENT_CUDA_LIBRARIES_H_

#include <string>
#include <vector>

#include "tftrt/environment.h"

namespace tftrt {

// The driver (libcuda.so.1) and everything that TensorFlow opens before it uses a GPU, as TensorFlow would find it.
// `tensorflow_dir` may be empty.
std::vector<LibraryReport> ReportCuda(const std::string& tensorflow_dir);

// Name and compute capability of each GPU that the driver shows; empty without a driver.
std::vector<std::string> ListGpus();

// The same in detail.
std::vector<GpuReport> ReportGpus();

// Opens what TensorRT's libraries ask the loader for by name, from where TensorFlow would take it. What is missing is
// left out.
void OpenTensorRtDependencies(const std::string& tensorflow_dir);

}  // namespace tftrt

#endif  // TFTRT_ENVIRONMENT_CUDA_LIBRARIES_H_
