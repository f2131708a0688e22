#ifndef TFTRT_ENVIRONMENT_EXISTS_H_
#define TFTRT_ENVIRONMENT_EXISTS_H_

#include <filesystem>
#include <system_error>

namespace tftrt {

// False for a path that cannot be looked at, too.
inline bool Exists(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

}  // namespace tftrt

#endif  // TFTRT_ENVIRONMENT_EXISTS_H_
