#ifndef TFTRT_MODEL_REPOSITORY_H_
#define TFTRT_MODEL_REPOSITORY_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tftrt/export.h"
#include "tftrt/model.h"
#include "tftrt/options.h"

namespace tftrt {

enum class VersionState : std::uint8_t {
  kAvailable,  // in the directory, not loaded: a newer one serves
  kLoading,    // being loaded and warmed
  kServing,
  kRetired,  // it served until another took its place; requests under way may still use it
  kBroken,   // it could not be loaded or warmed; when it is tried again: see ModelRepository
};

// "available", "loading", "serving", "retired", "broken".
TFTRT_EXPORT std::string_view Name(VersionState state);

struct VersionStatus {
  std::int64_t version = 0;
  std::string path;
  VersionState state = VersionState::kAvailable;
  std::string error;                            // why it is broken; empty if it is not
  bool present = true;                          // false: it serves although its folder is gone
  std::chrono::system_clock::time_point since;  // when it came into this state
  double load_seconds = 0;                      // what loading and warming took the last time
};

enum class RepositoryEventKind : std::uint8_t {
  kLoading,     // a version begins to load
  kServing,     // it serves from now on
  kRetired,     // it no longer does
  kBroken,      // it could not be loaded or warmed
  kRemoved,     // the folder of the version that serves is gone, and no other can take its place: it goes on serving
  kUnreadable,  // the directory could not be read; what serves goes on serving
  kReadable,    // it can be read again
};

// "loading", "serving", "retired", "broken", "removed", "unreadable", "readable".
TFTRT_EXPORT std::string_view Name(RepositoryEventKind kind);

struct RepositoryEvent {
  RepositoryEventKind kind;
  std::int64_t version = -1;  // -1 if it is about the directory
  std::string message;        // a sentence for a log, with the whole error if there is one
};

struct RepositoryOptions {
  // How each version is loaded.
  ModelOptions model;

  // How often the directory is looked at, 1 ms to 1 day.
  std::chrono::milliseconds poll_interval{1000};

  // Called with each version that was loaded, before it serves: to make the first calls with real input, or to check
  // the answers. If it throws, the version is broken. CancelledError says nothing about the version: it ends the look
  // at the directory, in which no other version is tried, and is thrown on by Open or Refresh; the next look tries
  // again.
  std::function<void(const Model&)> warm_up;

  // Told of everything that happens, after it happened. What it throws is dropped, but for CancelledError, which ends
  // the look as that of warm_up does: nothing more is told of it.
  std::function<void(const RepositoryEvent&)> on_event;

  // Whether a thread looks for new versions; if not, only Refresh does.
  bool watch = true;
};

// A model and the number of its version.
struct VersionedModel {
  std::int64_t version;
  Model model;
};

// A directory of numbered versions of a model, as TensorFlow Serving lays them out: resnet/1/saved_model.pb,
// resnet/2/saved_model.pb. The newest that can be loaded serves, and newer ones take its place as they appear.
//
//   const auto repository = tftrt::ModelRepository::Open("models/resnet");
//   ...                                                      // in each request:
//   const tftrt::VersionedModel current = repository.current();
//   const auto outputs = current.model.Run({{"image", image}});
//
// A version is a folder, or a link to one, whose name is a number: digits alone, at most 2^63 - 1. Zeros in front count
// for nothing; of two names of the same number the shorter is taken. Everything else is ignored. A new version is
// loaded and warmed while the old one serves, so there has to be memory for both; then all calls of current() that
// begin later return the new one. Requests under way keep what they have, and the old one is freed by whoever lets go
// of the last copy of it. If the folder of the version that serves is removed, the newest of the others takes its
// place: deleting a bad version rolls back. One that cannot be loaded, because it is broken or still being copied, is
// tried again when a name, size or time of its files changes, those that links lead to included; copy new versions
// beside the directory and rename them into it. If the error says nothing about the files (std::bad_alloc,
// ResourceExhaustedError, InternalError, of warm_up too), it is also tried again by Refresh, and by looks at the
// directory after a pause: as long as loading took but at least 1 s, doubled each time, at most 10 minutes. What has
// been loaded is not loaded again if its files change: give changed models a new number.
//
// The directory is polled, which works on network file systems too. The callbacks of RepositoryOptions are called one
// at a time, in the thread that looks at the directory (the repository's own, or that of Open or Refresh), with no lock
// that current() waits for. They may call anything here except Refresh.
//
// Cheap to copy: copies share one repository, which closes with the last of them. Thread-safe. It does not survive a
// fork: in the child current(), model(), versions(), problem() and Refresh throw IncompatibleError.
class TFTRT_EXPORT ModelRepository {
 public:
  // Loads the newest version that can be loaded, and starts to watch. Throws ModelError if the directory cannot be read
  // or no version in it can be loaded, with the reason for each; InvalidArgumentError for a wrong poll_interval; the
  // CancelledError of a callback.
  static ModelRepository Open(const std::string& directory, const RepositoryOptions& options = {});

  // What serves now. Keep it for one request, and ask again for the next: a copy keeps its version loaded, and closing
  // its model would close it for everybody. Costs some tens of nanoseconds. Throws InvalidArgumentError after Close.
  VersionedModel current() const;
  Model model() const;

  // The number of what serves now; after Close, of what served last.
  std::int64_t version() const;

  // All versions in the directory at the last look, and the one that serves, newest first.
  std::vector<VersionStatus> versions() const;

  // Why the directory could not be read at the last look; empty if it could.
  std::string problem() const;

  const std::string& directory() const;

  // Looks at the directory now, in this thread, and returns when the newest version serves or was found to be broken.
  // Versions whose last error says nothing about their files are tried again without a pause; other broken ones only if
  // their files changed. What is wrong with versions or the directory is told as ever, not thrown. Throws
  // InvalidArgumentError after Close, and in a callback; and the CancelledError of a callback.
  void Refresh();

  // Stops watching and lets go of the model; copies of it stay usable. Waits for a version that is being loaded, which
  // cannot be interrupted, and for callbacks under way, unless it is called by one. No callback begins later.
  void Close();
  bool closed() const;

 private:
  class Impl;
  explicit ModelRepository(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace tftrt

#endif  // TFTRT_MODEL_REPOSITORY_H_
