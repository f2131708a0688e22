#ifndef TFTRT_RUNTIME_OPEN_FILE_H_
#define TFTRT_RUNTIME_OPEN_FILE_H_

#include <filesystem>
#include <fstream>

namespace tftrt {

// Both throw ModelError for what the file is the reason of, as missing permissions, and InternalError for what passes
// and says nothing about it: too many open files, no memory, a network's file system that does not answer.

// Opens a file for reading.
std::ifstream OpenFile(const std::filesystem::path& file);

// Whether there is something at this path.
bool Exists(const std::filesystem::path& path);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_OPEN_FILE_H_
