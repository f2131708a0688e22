#ifndef TFTRT_TOOLS_TFTRT_RUN_OUTPUT_FOLDER_H_
#define TFTRT_TOOLS_TFTRT_RUN_OUTPUT_FOLDER_H_

#include <string>
#include <vector>

#include "tftrt/model.h"

namespace tftrt::run {

// Makes the folder of --output. Throws InvalidArgumentError if that fails or an output's name is no file's name in it,
// UnsupportedError for strings.
void MakeOutputFolder(const std::string& folder, const std::vector<TensorSpec>& outputs);

// The file in it that an output's elements are written to.
std::string OutputFile(const std::string& folder, const TensorSpec& output);

}  // namespace tftrt::run

#endif  // TFTRT_TOOLS_TFTRT_RUN_OUTPUT_FOLDER_H_
