#ifndef TFTRT_RUNTIME_ENGINE_MATCH_H_
#define TFTRT_RUNTIME_ENGINE_MATCH_H_

#include <string>

#include "runtime/manifest.h"
#include "tftrt/environment.h"

namespace tftrt {

enum class OnMismatch { kError, kNative, kRebuild };

// Throws InvalidArgumentError for anything but "error", "native" and "rebuild".
OnMismatch ParseOnMismatch(const std::string& on_mismatch);

// Why the engines in a model cannot run here; empty if they can. TensorFlow, asked to load such engines, crashes.
struct EngineMismatch {
  std::string problem;
  bool damaged = false;  // the files are not what was built
};
EngineMismatch FindMismatch(const std::string& model_path, const std::string& manifest, const BuildInfo& build,
                            const GpuReport& gpu, const std::string& tensorrt);

// "tftrt build MODEL", with the shapes that `build` has.
std::string BuildCommand(const std::string& model_path, const BuildInfo& build);

// IncompatibleError, or ModelError for damage, that says what to do.
[[noreturn]] void ThrowMismatch(const std::string& model_path, const BuildInfo& build, const EngineMismatch& mismatch);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_ENGINE_MATCH_H_
