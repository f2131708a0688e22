#include "output_folder.h"

#include <filesystem>
#include <system_error>

#include "raw_file.h"
#include "tftrt/error.h"

namespace tftrt::run {
namespace {

namespace fs = std::filesystem;

void CheckName(const std::string& name) {
  if (name.find('/') == std::string::npos) return;
  throw InvalidArgumentError("--output: the output \"" + name +
                             "\" has a / in its name, which no file can have. Leave --output out, or write a .npz "
                             "file with `tftrt run --output`");
}

}  // namespace

void MakeOutputFolder(const std::string& folder, const std::vector<TensorSpec>& outputs) {
  for (const TensorSpec& output : outputs) {
    CheckName(output.name);
    CheckNoStrings(output.dtype, "--output: " + ToString(output));
  }
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw InvalidArgumentError("cannot make the folder --output " + folder + ": " + error.message());
}

std::string OutputFile(const std::string& folder, const TensorSpec& output) {
  return (fs::path(folder) / (output.name + ".raw")).string();
}

}  // namespace tftrt::run
