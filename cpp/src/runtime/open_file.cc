#include "runtime/open_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include "tftrt/error.h"

namespace tftrt {
namespace {

constexpr std::array kPassing = {EMFILE, ENFILE, ENOMEM, EAGAIN, EINTR, EIO, ESTALE, ETIMEDOUT};

[[noreturn]] void ThrowFileError(const std::string& what, const std::filesystem::path& path,
                                 const std::error_code& error) {
  const std::string message = "cannot " + what + " " + path.string() + ": " + error.message();
  if (std::find(kPassing.begin(), kPassing.end(), error.value()) != kPassing.end()) {
    throw InternalError(message + "; try again later");
  }
  throw ModelError(message + "; check its permissions");
}

}  // namespace

std::ifstream OpenFile(const std::filesystem::path& file) {
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) ThrowFileError("open", file, {errno, std::generic_category()});
  return stream;
}

bool Exists(const std::filesystem::path& path) {
  std::error_code error;
  const bool exists = std::filesystem::exists(path, error);
  if (error) ThrowFileError("look for", path, error);
  return exists;
}

}  // namespace tftrt
