#include "api/device_choice.h"

#include <charconv>
#include <filesystem>
#include <system_error>

#include "tftrt/error.h"

namespace tftrt {
namespace {

// Written by python/tftrt/bundling.
constexpr char kMarker[] = "tftrt_cpu_only.txt";

bool IsGpu(const std::string& device) {
  if (device.compare(0, 4, "gpu:") != 0) return false;
  int index = 0;
  const char* const end = device.data() + device.size();
  const auto [last, error] = std::from_chars(device.data() + 4, end, index);
  return error == std::errc() && last == end && index >= 0;
}

}  // namespace

std::string ChooseDevice(const std::string& device, const std::string& tensorflow_dir) {
  std::error_code error;
  if (!std::filesystem::exists(std::filesystem::path(tensorflow_dir) / kMarker, error)) return device;
  if (device == "auto") return "cpu";
  if (IsGpu(device)) {
    throw IncompatibleError("device is \"" + device + "\", but the TensorFlow in " + tensorflow_dir +
                            " is of a bundle for CPUs: CUDA's device code was left out. Make the bundle with "
                            "tftrt bundle-runtime --gpu, or use device = \"cpu\"");
  }
  return device;
}

}  // namespace tftrt
