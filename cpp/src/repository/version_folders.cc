#include "repository/version_folders.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <system_error>

namespace tftrt {
namespace {

namespace fs = std::filesystem;

std::int64_t Nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

bool IsMissing(const std::error_code& error) {
  return error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
}

}  // namespace

std::optional<std::int64_t> VersionOf(std::string_view name) {
  // from_chars takes a minus sign as well.
  if (name.empty() || name.front() == '-') return std::nullopt;
  std::int64_t version = 0;
  const char* const end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data(), end, version);
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
      error = failure;
      break;
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
  Fingerprint fingerprint;
  std::error_code error;
  auto entry = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    struct stat file = {};
    if (stat(entry->path().c_str(), &file) != 0) continue;
    // Copying with the old times (cp -p) shows in the time of the inode's change.
    fingerprint.emplace_back(entry->path().string(), file.st_size, Nanoseconds(file.st_mtim),
                             Nanoseconds(file.st_ctim));
  }
  std::sort(fingerprint.begin(), fingerprint.end());
  return fingerprint;
}

}  // namespace tftrt
