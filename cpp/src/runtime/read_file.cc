#include "runtime/read_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <system_error>
#include <vector>

#include "tftrt/error.h"

namespace tftrt {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;
constexpr std::array kPassing = {EMFILE, ENFILE, ENOMEM, EAGAIN, EINTR, EIO, ESTALE, ETIMEDOUT};

[[noreturn]] void ThrowFileError(const std::string& what, const std::filesystem::path& path,
                                 const std::error_code& error) {
  const std::string message = "cannot " + what + " " + path.string() + ": " + error.message();
  if (std::find(kPassing.begin(), kPassing.end(), error.value()) != kPassing.end()) {
    throw InternalError(message + "; try again later");
  }
  throw ModelError(message + "; check its permissions");
}

std::filesystem::file_type TypeOf(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_type type = std::filesystem::status(path, error).type();
  if (type == std::filesystem::file_type::none) ThrowFileError("look for", path, error);
  return type;
}

}  // namespace

std::ifstream OpenFile(const std::filesystem::path& file) {
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) ThrowFileError("open", file, {errno, std::generic_category()});
  return stream;
}

void CheckRead(const std::ifstream& stream, const std::filesystem::path& file) {
  if (stream.bad()) ThrowFileError("read", file, {errno != 0 ? errno : EIO, std::generic_category()});
}

void ReadFile(const std::filesystem::path& file, const std::function<void(std::string_view)>& take) {
  std::ifstream stream = OpenFile(file);
  std::vector<char> piece(kPiece);
  while (stream.read(piece.data(), static_cast<std::streamsize>(piece.size())) || stream.gcount() > 0) {
    take({piece.data(), static_cast<std::size_t>(stream.gcount())});
  }
  CheckRead(stream, file);
}

bool Exists(const std::filesystem::path& path) { return TypeOf(path) != std::filesystem::file_type::not_found; }

bool IsFile(const std::filesystem::path& path) { return TypeOf(path) == std::filesystem::file_type::regular; }

bool IsDirectory(const std::filesystem::path& path) { return TypeOf(path) == std::filesystem::file_type::directory; }

std::uintmax_t SizeOf(const std::filesystem::path& file) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (error) ThrowFileError("look for", file, error);
  return size;
}

}  // namespace tftrt
