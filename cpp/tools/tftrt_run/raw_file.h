#ifndef TFTRT_TOOLS_TFTRT_RUN_RAW_FILE_H_
#define TFTRT_TOOLS_TFTRT_RUN_RAW_FILE_H_

#include <string>

#include "tftrt/tensor.h"

namespace tftrt::run {

// Files that hold the elements of a tensor and nothing else, as numpy's tofile and fromfile.

// Throws UnsupportedError if `dtype` is that of strings; `what` begins the text.
void CheckNoStrings(DType dtype, const std::string& what);

// Fills `tensor`. Throws InvalidArgumentError if the file cannot be read or has another size; UnsupportedError for
// strings.
void ReadRaw(const std::string& file, Tensor& tensor);

// Throws as ReadRaw does.
void WriteRaw(const Tensor& tensor, const std::string& file);

}  // namespace tftrt::run

#endif  // TFTRT_TOOLS_TFTRT_RUN_RAW_FILE_H_
