#include "api/runtime_loader.h"

#include <cstdlib>
#include <mutex>
#include <optional>

#include "api/runtime_options.h"
#include "environment/open_failure.h"
#include "environment/private_log.h"
#include "environment/shared_library.h"
#include "environment/tensorflow_library.h"
#include "environment/tensorrt_library.h"
#include "tftrt/environment.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

constexpr char kRuntimeLibrary[] = "libtftrt_runtime.so";
constexpr char kTfTrtLibrary[] = "libtftrt_tensorrt.so";
constexpr char kLogLevelVariable[] = "TF_CPP_MIN_LOG_LEVEL";
// Whether TensorFlow's sessions wait for the GPU at the end of each call.
constexpr char kSyncVariable[] = "TF_SYNC_ON_FINISH";

// TensorFlow takes its log level from the environment while it is opened. Child processes should not inherit it.
class ScopedLogLevel {
 public:
  explicit ScopedLogLevel(int level) {
    if (const char* value = std::getenv(kLogLevelVariable)) previous_ = value;
    setenv(kLogLevelVariable, std::to_string(level).c_str(), 1);
  }
  ~ScopedLogLevel() {
    if (previous_) {
      setenv(kLogLevelVariable, previous_->c_str(), 1);
    } else {
      unsetenv(kLogLevelVariable);
    }
  }
  ScopedLogLevel(const ScopedLogLevel&) = delete;
  ScopedLogLevel& operator=(const ScopedLogLevel&) = delete;

 private:
  std::optional<std::string> previous_;
};

// A TensorFlow without TF-TRT runs models too, on the CPU: engines are then told why they cannot run.
void OpenTfTrt(Backend& backend) {
  const std::string path = OwnDirectory() + "/" + kTfTrtLibrary;
  const SharedLibrary library = OpenLibrary(path);
  const auto function = library ? reinterpret_cast<TfTrtFunction>(FindSymbol(library, kTfTrtFunction)) : nullptr;
  if (function != nullptr) return backend.SetTfTrt(function(), "");
  backend.SetTfTrt(nullptr,
                   "cannot open " + path + ", which runs engines through TensorFlow's TF-TRT: " +
                       (library ? "it has no " + std::string(kTfTrtFunction) : library.error) +
                       ". Where TensorFlow is tensorflow-cpu's, install tensorflow in its place; else reinstall "
                       "tftrt: pip install --force-reinstall tftrt");
}

Backend* OpenBackend() {
  const std::string tensorflow_dir = FindTensorFlow(ConfiguredTensorFlowDir());
  const int log_level = FixLogLevel();
  const bool loaded_before = !LoadedTensorFlow().empty();
  const ScopedLogLevel scoped_log_level(log_level);
  const SharedLibrary tensorflow = OpenTensorFlowLibraries(tensorflow_dir);
  FixTensorFlowDir(tensorflow_dir);
  // Whoever opened TensorFlow earlier has chosen what it logs.
  const int absl_log_level = loaded_before && LogLevelIsDefault() ? 0 : log_level;
  if (absl_log_level > 0) SetPrivateLogLevel(tensorflow, absl_log_level);

  const std::string path = OwnDirectory() + "/" + kRuntimeLibrary;
  const SharedLibrary library = OpenLibrary(path);
  if (!library) {
    ThrowOpenFailure(path + ", which belongs to tftrt", library.error,
                     "Reinstall tftrt against the TensorFlow that is installed: pip install --force-reinstall tftrt");
  }
  const auto function = reinterpret_cast<BackendFunction>(FindSymbol(library, kBackendFunction));
  if (function == nullptr) {
    throw IncompatibleError(path + " does not belong to this libtftrt.so: it has no " + kBackendFunction +
                            "; reinstall tftrt");
  }
  Backend* backend = function(/*keep_log_level=*/!loaded_before, absl_log_level);
  // Without a GPU nothing asks for TensorRT, and opening it takes time and memory.
  if (!ListGpus().empty()) {
    OpenTensorRt();
    OpenTfTrt(*backend);
    // Read with each session that is made. tftrt itself waits for what it needs; a value that is set stays.
    setenv(kSyncVariable, "0", /*overwrite=*/0);
  }
  return backend;
}

}  // namespace

Backend& GetBackend() {
  static std::mutex mutex;
  static Backend* backend = nullptr;
  const std::lock_guard lock(mutex);
  if (backend == nullptr) backend = OpenBackend();
  return *backend;
}

std::string OpenTensorRt() {
  static std::mutex mutex;
  static std::optional<std::string> problem;
  const std::lock_guard lock(mutex);
  if (!problem || !problem->empty())
    problem = OpenTensorRt(ConfiguredTensorRtDir(), FindTensorFlow(ConfiguredTensorFlowDir()));
  return *problem;
}

void OpenTensorFlow() { GetBackend(); }

}  // namespace tftrt
