#ifndef TFTRT_REPOSITORY_VERSION_FOLDERS_H_
#define TFTRT_REPOSITORY_VERSION_FOLDERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace tftrt {

// The number that a folder's name stands for; nothing if it is none, or does not fit.
std::optional<std::int64_t> VersionOf(std::string_view name);

struct VersionFolder {
  std::int64_t version = 0;
  std::string path;
};

struct VersionListing {
  std::vector<VersionFolder> versions;  // newest first
  std::vector<std::string> others;      // names that are no version's, sorted
  std::string problem;                  // why the directory could not be read; the rest is empty then
};

// Throws nothing but std::bad_alloc.
VersionListing ListVersions(const std::string& directory);

// Name, bytes, and times of change of each file below a folder, in order. Changes with the files. Links are followed;
// a folder that several ways lead to is read once. What cannot be read is left out.
using Fingerprint = std::vector<std::tuple<std::string, std::int64_t, std::int64_t, std::int64_t>>;
Fingerprint FingerprintOf(const std::string& folder);

}  // namespace tftrt

#endif  // TFTRT_REPOSITORY_VERSION_FOLDERS_H_
