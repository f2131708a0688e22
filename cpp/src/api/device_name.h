#ifndef TFTRT_API_DEVICE_NAME_H_
#define TFTRT_API_DEVICE_NAME_H_

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace tftrt {

// N of the device "gpu:N", from 0 on; nothing for any other text.
inline std::optional<int> GpuIndex(const std::string& device) {
  constexpr std::string_view kPrefix = "gpu:";
  if (device.compare(0, kPrefix.size(), kPrefix) != 0) return std::nullopt;
  int index = -1;
  const char* const end = device.data() + device.size();
  const auto [last, error] = std::from_chars(device.data() + kPrefix.size(), end, index);
  if (error != std::errc() || last != end || index < 0) return std::nullopt;
  return index;
}

}  // namespace tftrt

#endif  // TFTRT_API_DEVICE_NAME_H_
