#ifndef TFTRT_RUNTIME_READ_FILE_H_
#define TFTRT_RUNTIME_READ_FILE_H_

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string_view>

namespace tftrt {

// All throw ModelError for what the file is the reason of, as missing permissions, and InternalError for what passes
// and says nothing about it: too many open files, no memory, a disk or a network's file system that does not answer.

// Opens a file for reading.
std::ifstream OpenFile(const std::filesystem::path& file);

// To be called when nothing more was read: whether the file had ended, or could not be read.
void CheckRead(const std::ifstream& stream, const std::filesystem::path& file);

// Hands a file over piece by piece.
void ReadFile(const std::filesystem::path& file, const std::function<void(std::string_view)>& take);

// Whether there is something at this path, and whether that is a file or a folder.
bool Exists(const std::filesystem::path& path);
bool IsFile(const std::filesystem::path& path);
bool IsDirectory(const std::filesystem::path& path);

// In bytes.
std::uintmax_t SizeOf(const std::filesystem::path& file);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_READ_FILE_H_
