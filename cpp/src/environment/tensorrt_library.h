#ifndef TFTRT_ENVIRONMENT_TENSORRT_LIBRARY_H_
#define TFTRT_ENVIRONMENT_TENSORRT_LIBRARY_H_

#include <optional>
#include <string>
#include <vector>

#include "environment/cuda_libraries.h"
#include "tftrt/environment.h"

namespace tftrt {

// Finds TensorRT 8.6.x and opens it, so that TensorFlow's later request for libnvinfer.so.8.6.1 and
// libnvinfer_plugin.so.8.6.1 is answered, whatever name and folder it has. Looks in `directory` and nowhere else if
// given, else in what the process has already loaded, the loader's own search path (LD_LIBRARY_PATH, Debian), pip's
// tensorrt_libs and tensorrt folders beside TensorFlow (`tensorflow_dir`, may be empty), and the usual folders of the
// tarball. Returns why it could not, empty if it could; never throws and never aborts.
std::string OpenTensorRt(const std::optional<std::string>& directory, const std::string& tensorflow_dir);

// Version of the TensorRT that this process has open, "8.6.1"; empty if there is none.
std::string OpenTensorRtVersion();

// What OpenTensorRt finds: libnvinfer and libnvinfer_plugin.
std::vector<LibraryReport> ReportTensorRt(const std::optional<std::string>& directory,
                                          const std::string& tensorflow_dir);

}  // namespace tftrt

#endif  // TFTRT_ENVIRONMENT_TENSORRT_LIBRARY_H_
