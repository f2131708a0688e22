#include "api/runtime_options.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <type_traits>

#include "tftrt/environment.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

constexpr int kWarning = 1;
constexpr int kFatalOnly = 3;

std::mutex mutex;
bool warnings_unwanted = false;
bool log_level_is_default = false;

RuntimeOptions& Current() {
  static RuntimeOptions options;
  return options;
}

template <typename T>
std::string Show(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(value);
  } else {
    return "\"" + value + "\"";
  }
}

template <typename T>
void CheckAgrees(const char* name, const std::optional<T>& current, const std::optional<T>& wanted) {
  if (!wanted || !current || *current == *wanted) return;
  throw InvalidArgumentError(
      std::string("Configure: ") + name + " is already " + Show(*current) + " in this process and cannot become " +
      Show(*wanted) +
      ". TensorFlow keeps it for the whole process: configure it once, before the first model is loaded");
}

template <typename T>
void CheckRange(const char* name, const std::optional<T>& value, T low, T high) {
  if (value && (*value < low || *value > high)) {
    throw InvalidArgumentError(std::string("Configure: ") + name + " is " + Show(*value) + "; expected " + Show(low) +
                               " to " + Show(high));
  }
}

template <typename T>
void Merge(std::optional<T>& current, const std::optional<T>& wanted) {
  if (wanted) current = wanted;
}

// Calls f(name, field of a, field of b) for each field, so that no function can forget one.
template <typename A, typename B, typename F>
void ForEachField(A& a, B& b, F f) {
  f("gpu_memory_growth", a.gpu_memory_growth, b.gpu_memory_growth);
  f("gpu_memory_limit_mb", a.gpu_memory_limit_mb, b.gpu_memory_limit_mb);
  f("log_level", a.log_level, b.log_level);
  f("intra_op_threads", a.intra_op_threads, b.intra_op_threads);
  f("inter_op_threads", a.inter_op_threads, b.inter_op_threads);
  f("tensorflow_dir", a.tensorflow_dir, b.tensorflow_dir);
  f("tensorrt_dir", a.tensorrt_dir, b.tensorrt_dir);
}

template <typename T>
T FixAt(std::optional<T>& field, const T& value) {
  if (!field) field = value;
  return *field;
}

std::optional<std::string> FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::optional<int> LogLevelFrom(const char* variable) {
  const auto text = FromEnvironment(variable);
  if (!text) return std::nullopt;
  int level = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), level);
  if (error != std::errc() || *end != '\0') return std::nullopt;
  return level;
}

RuntimeOptions ConfiguredOptions() {
  const std::lock_guard lock(mutex);
  return Current();
}

}  // namespace

void Configure(const RuntimeOptions& options) {
  CheckRange<int>("log_level", options.log_level, 0, kFatalOnly);
  CheckRange<std::int64_t>("gpu_memory_limit_mb", options.gpu_memory_limit_mb, 1, std::int64_t{1} << 30);
  CheckRange<int>("intra_op_threads", options.intra_op_threads, 0, 4096);
  CheckRange<int>("inter_op_threads", options.inter_op_threads, 0, 4096);
  const std::lock_guard lock(mutex);
  RuntimeOptions& current = Current();
  ForEachField(current, options, [](const char* name, const auto& a, const auto& b) { CheckAgrees(name, a, b); });
  ForEachField(current, options, [](const char*, auto& a, const auto& b) { Merge(a, b); });
}

ResolvedRuntimeOptions FixSessionOptions() {
  const std::lock_guard lock(mutex);
  RuntimeOptions& current = Current();
  const ResolvedRuntimeOptions defaults;
  ResolvedRuntimeOptions resolved;
  resolved.gpu_memory_growth = FixAt(current.gpu_memory_growth, defaults.gpu_memory_growth);
  resolved.gpu_memory_limit_mb = FixAt(current.gpu_memory_limit_mb, defaults.gpu_memory_limit_mb);
  resolved.intra_op_threads = FixAt(current.intra_op_threads, defaults.intra_op_threads);
  resolved.inter_op_threads = FixAt(current.inter_op_threads, defaults.inter_op_threads);
  resolved.warnings = !warnings_unwanted;
  return resolved;
}

int FixLogLevel() {
  const std::lock_guard lock(mutex);
  std::optional<int>& level = Current().log_level;
  if (!level) level = LogLevelFrom("TFTRT_LOG_LEVEL");
  // Said of TensorFlow, or by default, it is about TensorFlow's log and not about tftrt's own warnings.
  warnings_unwanted = level && *level > kWarning;
  if (!level) level = LogLevelFrom("TF_CPP_MIN_LOG_LEVEL");
  log_level_is_default = !level;
  if (!level) level = kFatalOnly;
  return *level;
}

bool LogLevelIsDefault() {
  const std::lock_guard lock(mutex);
  return log_level_is_default;
}

std::optional<std::string> ConfiguredTensorFlowDir() {
  const RuntimeOptions options = ConfiguredOptions();
  return options.tensorflow_dir ? options.tensorflow_dir : FromEnvironment("TFTRT_TENSORFLOW_DIR");
}

std::optional<std::string> ConfiguredTensorRtDir() {
  const RuntimeOptions options = ConfiguredOptions();
  return options.tensorrt_dir ? options.tensorrt_dir : FromEnvironment("TFTRT_TENSORRT_DIR");
}

void FixTensorFlowDir(const std::string& directory) {
  const std::lock_guard lock(mutex);
  FixAt(Current().tensorflow_dir, directory);
}

}  // namespace tftrt
