#include "raw_file.h"

#include <filesystem>
#include <fstream>
#include <system_error>

#include "tftrt/error.h"

namespace tftrt::run {

void CheckNoStrings(DType dtype, const std::string& what) {
  if (dtype == DType::kString) throw UnsupportedError(what + ": strings are not elements of a fixed size");
}

void ReadRaw(const std::string& file, Tensor& tensor) {
  CheckNoStrings(tensor.dtype(), file);
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (error) throw InvalidArgumentError("cannot read " + file + ": " + error.message());
  if (size != tensor.num_bytes()) {
    throw InvalidArgumentError(file + " has " + std::to_string(size) + " bytes; expected " +
                               std::to_string(tensor.num_bytes()) + " for " + std::string(Name(tensor.dtype())) +
                               ToString(tensor.shape()) + ". Give the shape with --shapes");
  }
  std::ifstream stream(file, std::ios::binary);
  if (!stream.read(static_cast<char*>(tensor.data()), static_cast<std::streamsize>(size))) {
    throw InvalidArgumentError("cannot read " + file);
  }
}

void WriteRaw(const Tensor& tensor, const std::string& file) {
  CheckNoStrings(tensor.dtype(), file);
  std::ofstream stream(file, std::ios::binary);
  stream.write(static_cast<const char*>(tensor.data()), static_cast<std::streamsize>(tensor.num_bytes()));
  if (!stream.flush()) throw InvalidArgumentError("cannot write " + file);
}

}  // namespace tftrt::run
