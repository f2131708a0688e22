#ifndef TFTRT_ENVIRONMENT_TENSORFLOW_LIBRARY_H_
#define TFTRT_ENVIRONMENT_TENSORFLOW_LIBRARY_H_

#include <optional>
#include <string>

#include "environment/shared_library.h"
#include "tftrt/environment.h"
#include "tftrt/export.h"

namespace tftrt {

// Folder of the TensorFlow that the process already has; empty if it has none.
std::string LoadedTensorFlow();

// Folder of libtensorflow_cc.so.2, in this order: `directory` if given (it must be there), what the process has
// already loaded, next to libtftrt.so as in site-packages or a bundle, the hint, the folder that tftrt was built
// against, and last the loader's own search path.
// Throws IncompatibleError that lists where it looked, or if `directory` is not what the process has loaded.
std::string FindTensorFlow(const std::optional<std::string>& directory);

// Opens libtensorflow_framework.so.2 and libtensorflow_cc.so.2 of `directory` (FindTensorFlow's result); the latter.
// Throws IncompatibleError if that fails or its minor version is not the one tftrt was built with.
SharedLibrary OpenTensorFlowLibraries(const std::string& directory);

// What FindTensorFlow finds, without opening it.
LibraryReport ReportTensorFlow(const std::optional<std::string>& directory);

}  // namespace tftrt

#endif  // TFTRT_ENVIRONMENT_TENSORFLOW_LIBRARY_H_
