#include "api/device_choice.h"

#include <filesystem>
#include <system_error>

#include "api/device_name.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

// Written by python/tftrt/bundling.
constexpr char kMarker[] = "tftrt_cpu_only.txt";

}  // namespace

std::string ChooseDevice(const std::string& device, const std::string& tensorflow_dir) {
  std::error_code error;
  if (!std::filesystem::exists(std::filesystem::path(tensorflow_dir) / kMarker, error)) return device;
  if (device == "auto") return "cpu";
  if (GpuIndex(device)) {
    throw IncompatibleError("device is \"" + device + "\", but the TensorFlow in " + tensorflow_dir +
                            " is of a bundle for CPUs: CUDA's device code was left out. Make the bundle with "
                            "tftrt bundle-runtime --gpu, or use device = \"cpu\"");
  }
  return device;
}

}  // namespace tftrt
