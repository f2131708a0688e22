#ifndef TFTRT_REPOSITORY_VERSION_TABLE_H_
#define TFTRT_REPOSITORY_VERSION_TABLE_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "repository/version_folders.h"
#include "tftrt/model_repository.h"

namespace tftrt {

// What is known of each version. Thread-safe.
class VersionTable {
 public:
  // Takes over what is in the directory: versions that are gone are forgotten, save the one that serves.
  void Update(const std::vector<VersionFolder>& folders);

  void Load(std::int64_t version);
  // If it is still being loaded, it is not any longer: neither does it serve, nor is it broken.
  void Abandon(std::int64_t version);
  // `passing`: the error says nothing about the files, so that another attempt may succeed.
  void Break(std::int64_t version, const std::string& error, bool passing, double load_seconds, Fingerprint files);
  // And retires what served before.
  void Serve(std::int64_t version, double load_seconds);
  // Retires what serves.
  void Retire();

  // Whether it is broken, its files are what they were when it was tried, and it is too early for another attempt:
  // after a passing error there is one from time to time, and whenever it is `asked` for.
  bool IsBroken(std::int64_t version, const Fingerprint& files, bool asked) const;

  // Newest first.
  std::vector<VersionStatus> Statuses() const;

  std::string problem() const;
  // Returns what it was.
  std::string set_problem(std::string problem);

 private:
  struct Entry {
    VersionStatus status;
    Fingerprint tried;
    int passing_errors = 0;  // in a row, with these files
    std::optional<std::chrono::steady_clock::time_point> next_attempt;
  };

  static void Enter(Entry& entry, VersionState state);
  void RetireLocked();

  mutable std::mutex mutex_;
  std::map<std::int64_t, Entry, std::greater<>> entries_;
  std::string problem_;
};

}  // namespace tftrt

#endif  // TFTRT_REPOSITORY_VERSION_TABLE_H_
