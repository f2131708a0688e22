#include "repository/version_switcher.h"

#include <chrono>
#include <exception>
#include <new>
#include <utility>

#include "tftrt/error.h"

namespace tftrt {
namespace {

std::string Numbered(std::int64_t version) { return "version " + std::to_string(version); }

// Whether the error says nothing about the files that were loaded: there was no memory, say.
bool IsPassing(const std::exception& error) {
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
         dynamic_cast<const ResourceExhaustedError*>(&error) != nullptr ||
         dynamic_cast<const InternalError*>(&error) != nullptr;
}

// Says for its lifetime which thread looks.
class Looker {
 public:
  explicit Looker(std::atomic<std::thread::id>& looker) : looker_(looker) { looker_ = std::this_thread::get_id(); }
  ~Looker() { looker_ = std::thread::id(); }
  Looker(const Looker&) = delete;
  Looker& operator=(const Looker&) = delete;

 private:
  std::atomic<std::thread::id>& looker_;
};

// Abandons the version at the end, unless it serves or was found to be broken by then.
class Attempt {
 public:
  Attempt(VersionTable& table, std::int64_t version) : table_(table), version_(version) { table_.Load(version_); }
  ~Attempt() { table_.Abandon(version_); }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

 private:
  VersionTable& table_;
  const std::int64_t version_;
};

}  // namespace

VersionSwitcher::VersionSwitcher(std::string directory, RepositoryOptions options)
    : directory_(std::move(directory)), options_(std::move(options)) {}

void VersionSwitcher::Look(bool asked) {
  const std::lock_guard lock(look_mutex_);
  const Looker looker(looker_);
  if (serving_.closed()) return;
  const VersionListing listing = ListVersions(directory_);
  const std::string before = table_.set_problem(listing.problem);
  if (!listing.problem.empty()) {
    if (before != listing.problem) Tell(RepositoryEventKind::kUnreadable, -1, listing.problem + GoesOn());
    return;
  }
  if (!before.empty()) {
    Tell(RepositoryEventKind::kReadable, -1, "the directory of versions \"" + directory_ + "\" can be read again");
  }
  table_.Update(listing.versions);
  for (const VersionFolder& folder : listing.versions) {
    if (folder.version == serving_.version()) {
      told_removed_ = false;
      return;
    }
    if (Try(folder, asked) || serving_.closed()) return;
  }
  if (serving_.version() == -1 || std::exchange(told_removed_, true)) return;
  Tell(RepositoryEventKind::kRemoved, serving_.version(),
       "the folder of " + Numbered(serving_.version()) + " is gone from \"" + directory_ + "\", which has no other " +
           "version that can be loaded" + GoesOn());
}

void VersionSwitcher::Close() {
  serving_.Close();
  if (!IsLooking()) {
    const std::lock_guard wait(look_mutex_);
  }
  table_.Retire();
}

bool VersionSwitcher::Try(const VersionFolder& folder, bool asked) {
  using Clock = std::chrono::steady_clock;
  // Taken before the files are read, so that what changes meanwhile is tried again.
  Fingerprint files = FingerprintOf(folder.path);
  if (table_.IsBroken(folder.version, files, asked)) return false;
  const Attempt attempt(table_, folder.version);
  Tell(RepositoryEventKind::kLoading, folder.version,
       Numbered(folder.version) + " is being loaded from " + folder.path);
  const auto begin = Clock::now();
  std::optional<VersionedModel> model;
  const auto [error, passing] = Prepare(folder, model);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (!error.empty()) {
    table_.Break(folder.version, error, passing, seconds, std::move(files));
    Tell(RepositoryEventKind::kBroken, folder.version, Numbered(folder.version) + " is broken: " + error + GoesOn());
    return false;
  }
  const std::int64_t before = serving_.version();
  if (!model || !serving_.Switch(model)) return false;
  told_removed_ = false;
  table_.Serve(folder.version, seconds);
  Tell(RepositoryEventKind::kServing, folder.version,
       Numbered(folder.version) + " serves; loading and warming took " + std::to_string(seconds) + " s");
  // Freed now if no request has it.
  model.reset();
  if (before != -1) {
    Tell(RepositoryEventKind::kRetired, before,
         Numbered(before) + " is retired: " + Numbered(folder.version) + " took its place");
  }
  return true;
}

VersionSwitcher::Failure VersionSwitcher::Prepare(const VersionFolder& folder,
                                                  std::optional<VersionedModel>& loaded) const {
  const char* phase = "";
  try {
    VersionedModel candidate{folder.version, Model::Load(folder.path, options_.model)};
    if (serving_.closed()) return {};
    phase = "warm_up failed: ";
    if (options_.warm_up) options_.warm_up(candidate.model);
    loaded = std::move(candidate);
    return {};
  } catch (const CancelledError&) {
    throw;
  } catch (const std::exception& error) {
    return {phase + std::string(error.what()), IsPassing(error)};
  } catch (...) {
    return {phase + std::string("it threw what is no std::exception"), false};
  }
}

void VersionSwitcher::Tell(RepositoryEventKind kind, std::int64_t version, const std::string& message) const {
  if (!options_.on_event || serving_.closed()) return;
  try {
    options_.on_event({kind, version, message});
  } catch (const CancelledError&) {
    throw;
  } catch (...) {  // the listener's own trouble is no reason to stop serving
  }
}

std::string VersionSwitcher::GoesOn() const {
  return serving_.version() == -1 ? "" : "; " + Numbered(serving_.version()) + " goes on serving";
}

}  // namespace tftrt
