#ifndef TFTRT_REPOSITORY_VERSION_SWITCHER_H_
#define TFTRT_REPOSITORY_VERSION_SWITCHER_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "repository/serving_model.h"
#include "repository/version_folders.h"
#include "repository/version_table.h"
#include "tftrt/model_repository.h"

namespace tftrt {

// Has the newest version serve that can be loaded: looks, loads, warms, switches and tells. Thread-safe.
class VersionSwitcher {
 public:
  VersionSwitcher(std::string directory, RepositoryOptions options);
  VersionSwitcher(const VersionSwitcher&) = delete;
  VersionSwitcher& operator=(const VersionSwitcher&) = delete;

  // Looks at the directory and does what it asks for; one thread at a time. Callbacks are called in this thread, and
  // end it by CancelledError. `asked`: by somebody, not by the clock, so that versions are tried again now that are
  // tried again from time to time.
  void Look(bool asked = false);

  // Whether this thread is in Look, which is then in a callback.
  bool IsLooking() const { return looker_.load() == std::this_thread::get_id(); }

  // Lets go of what serves. Waits for a Look under way, unless that calls it.
  void Close();

  const std::string& directory() const { return directory_; }
  const VersionTable& table() const { return table_; }
  ServingModel& serving() { return serving_; }

 private:
  // Returns whether it serves.
  bool Try(const VersionFolder& folder, bool asked);
  struct Failure {
    std::string error;     // empty: none
    bool passing = false;  // says nothing about the version's files
  };
  // Why it could not be loaded and warmed; no error if it could, or the repository was closed meanwhile.
  // Throws the CancelledError of warm_up.
  Failure Prepare(const VersionFolder& folder, std::optional<VersionedModel>& loaded) const;
  // Throws the CancelledError of on_event.
  void Tell(RepositoryEventKind kind, std::int64_t version, const std::string& message) const;
  std::string GoesOn() const;

  const std::string directory_;
  const RepositoryOptions options_;
  VersionTable table_;
  ServingModel serving_;
  std::mutex look_mutex_;
  std::atomic<std::thread::id> looker_{std::thread::id()};
  bool told_removed_ = false;  // guarded by look_mutex_
};

}  // namespace tftrt

#endif  // TFTRT_REPOSITORY_VERSION_SWITCHER_H_
