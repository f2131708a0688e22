#include "repository/version_folders.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <utility>

namespace tftrt {
namespace {

namespace fs = std::filesystem;

std::int64_t Nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

bool IsMissing(const std::error_code& error) {
  // Links in a circle lead to nothing.
  return error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory ||
         error == std::errc::too_many_symbolic_link_levels;
}

}  // namespace

std::optional<std::int64_t> VersionOf(std::string_view name) {
  // from_chars takes a minus sign as well.
  if (name.empty() || name.front() == '-') return std::nullopt;
  std::int64_t version = 0;
  const char* const begin = name.data();
  const char* const end = begin + name.size();
  const auto [rest, error] = std::from_chars(begin, end, version);
  if (error != std::errc() || rest != end) return std::nullopt;
  return version;
}

VersionListing ListVersions(const std::string& directory) {
  const auto unreadable = [&](const std::string& reason) {
    VersionListing listing;
    listing.problem = "the directory of versions \"" + directory + "\" " + reason;
    return listing;
  };
  std::error_code error;
  const fs::file_status status = fs::status(directory, error);
  if (status.type() == fs::file_type::not_found) return unreadable("does not exist");
  if (status.type() != fs::file_type::none && status.type() != fs::file_type::directory) {
    return unreadable("is no directory; expected one with a folder for each version, as in " + directory +
                      "/1/saved_model.pb");
  }
  VersionListing listing;
  std::map<std::int64_t, std::string> names;
  auto entry = fs::directory_iterator(directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::string name = entry->path().filename().string();
    const std::optional<std::int64_t> version = VersionOf(name);
    std::error_code failure;
    const bool is_folder = version.has_value() && fs::status(entry->path(), failure).type() == fs::file_type::directory;
    // A folder that cannot be looked at may well be there: taking it for removed would switch to another version.
    if (failure && !IsMissing(failure)) {
      return unreadable("cannot be read: " + entry->path().string() + ": " + failure.message());
    }
    if (!is_folder) {
      listing.others.push_back(std::move(name));
      continue;
    }
    const auto [same, is_new] = names.emplace(*version, name);
    if (is_new) continue;
    if (name.size() < same->second.size()) same->second.swap(name);
    listing.others.push_back(std::move(name));
  }
  if (error) return unreadable("cannot be read: " + error.message());
  std::sort(listing.others.begin(), listing.others.end());
  for (auto named = names.rbegin(); named != names.rend(); ++named) {
    listing.versions.push_back({named->first, (fs::path(directory) / named->second).string()});
  }
  return listing;
}

Fingerprint FingerprintOf(const std::string& folder) {
  struct stat status = {};
  if (stat(folder.c_str(), &status) != 0) return {};
  Fingerprint fingerprint;
  std::set<std::pair<dev_t, ino_t>> read;
  // Sorted, so that of several ways to a folder always the same is taken.
  std::map<std::string, std::pair<dev_t, ino_t>> to_read = {{folder, {status.st_dev, status.st_ino}}};
  while (!to_read.empty()) {
    const auto next = to_read.extract(to_read.begin());
    if (!read.insert(next.mapped()).second) continue;
    std::error_code error;
    auto entry = fs::directory_iterator(next.key(), error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      const std::string& path = entry->path().native();
      if (stat(path.c_str(), &status) != 0) continue;
      // Copying with the old times (cp -p) shows in the time of the inode's change.
      fingerprint.emplace_back(path, status.st_size, Nanoseconds(status.st_mtim), Nanoseconds(status.st_ctim));
      if (S_ISDIR(status.st_mode)) to_read.try_emplace(path, status.st_dev, status.st_ino);
    }
  }
  std::sort(fingerprint.begin(), fingerprint.end());
  return fingerprint;
}

}  // namespace tftrt
