#ifndef TFTRT_API_RUNTIME_OPTIONS_H_
#define TFTRT_API_RUNTIME_OPTIONS_H_

#include <optional>
#include <string>

#include "api/backend.h"
#include "tftrt/options.h"

namespace tftrt {

// Fixes every option that nobody set at its default, because TensorFlow is about to take them, and returns those
// that sessions need. From then on Configure accepts only the values that hold.
ResolvedRuntimeOptions FixSessionOptions();

// The same for the log level, which TensorFlow takes when it is opened.
int FixLogLevel();

// Whether nobody chose it, neither by Configure nor by the environment. Call FixLogLevel first.
bool LogLevelIsDefault();

// Folders: options first, then the environment.
std::optional<std::string> ConfiguredTensorFlowDir();
std::optional<std::string> ConfiguredTensorRtDir();

// TensorFlow was opened from there.
void FixTensorFlowDir(const std::string& directory);

}  // namespace tftrt

#endif  // TFTRT_API_RUNTIME_OPTIONS_H_
