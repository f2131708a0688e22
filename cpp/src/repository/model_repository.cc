#include "tftrt/model_repository.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "api/fork_guard.h"
#include "repository/version_folders.h"
#include "repository/version_switcher.h"
#include "repository/watching_thread.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

void CheckInterval(std::chrono::milliseconds interval) {
  if (interval >= std::chrono::milliseconds(1) && interval <= std::chrono::hours(24)) return;
  throw InvalidArgumentError("poll_interval is " + std::to_string(interval.count()) + " ms; expected 1 ms to 1 day");
}

// Why there is nothing to serve.
std::string WhyNothingServes(const VersionSwitcher& switcher) {
  if (!switcher.table().problem().empty()) return switcher.table().problem();
  std::string message = "the directory of versions \"" + switcher.directory() + "\" ";
  const std::vector<VersionStatus> statuses = switcher.table().Statuses();
  if (!statuses.empty()) {
    message += "has no version that can be loaded:";
    for (const VersionStatus& status : statuses) {
      message += "\n  version " + std::to_string(status.version) + ": " + status.error;
    }
    return message;
  }
  constexpr std::size_t kMostNames = 5;
  const std::vector<std::string> others = ListVersions(switcher.directory()).others;
  message += others.empty() ? "is empty" : "has no version, but";
  for (std::size_t i = 0; i < std::min(others.size(), kMostNames); ++i) message += " \"" + others[i] + "\"";
  if (others.size() > kMostNames) message += " and " + std::to_string(others.size() - kMostNames) + " more";
  return message + "; expected a folder for each version, named by its number, as in " + switcher.directory() +
         "/1/saved_model.pb";
}

}  // namespace

std::string_view Name(VersionState state) {
  switch (state) {
    case VersionState::kAvailable:
      return "available";
    case VersionState::kLoading:
      return "loading";
    case VersionState::kServing:
      return "serving";
    case VersionState::kRetired:
      return "retired";
    case VersionState::kBroken:
      return "broken";
  }
  return "unknown";
}

std::string_view Name(RepositoryEventKind kind) {
  switch (kind) {
    case RepositoryEventKind::kLoading:
      return "loading";
    case RepositoryEventKind::kServing:
      return "serving";
    case RepositoryEventKind::kRetired:
      return "retired";
    case RepositoryEventKind::kBroken:
      return "broken";
    case RepositoryEventKind::kRemoved:
      return "removed";
    case RepositoryEventKind::kUnreadable:
      return "unreadable";
    case RepositoryEventKind::kReadable:
      return "readable";
  }
  return "unknown";
}

class ModelRepository::Impl {
 public:
  Impl(const std::string& directory, const RepositoryOptions& options)
      : switcher_(std::make_shared<VersionSwitcher>(directory, options)) {
    switcher_->Look();
    if (switcher_->serving().version() == -1) throw ModelError(WhyNothingServes(*switcher_));
    if (!options.watch) return;
    watching_ = std::make_unique<WatchingThread>(options.poll_interval, [switcher = switcher_] { switcher->Look(); });
  }

  ~Impl() {
    if (fork_guard_.InForkedChild()) {
      // The session's threads are not here to end, and what the watching thread had locked stays locked.
      static_cast<void>(new std::shared_ptr<VersionSwitcher>(std::move(switcher_)));
      return;
    }
    Close();
  }

  VersionSwitcher& switcher() const {
    fork_guard_.Check();
    return *switcher_;
  }

  VersionedModel current() const {
    std::optional<VersionedModel> model = switcher().serving().Get();
    if (!model) ThrowClosed();
    return *std::move(model);
  }

  void Refresh() const {
    if (switcher().serving().closed()) ThrowClosed();
    if (switcher_->IsLooking()) {
      throw InvalidArgumentError(
          "Refresh was called in a callback of the repository, which is looking at the directory already");
    }
    switcher_->Look(/*asked=*/true);
  }

  void Close() {
    if (fork_guard_.InForkedChild()) {
      switcher_->serving().TurnAway();
      return;
    }
    if (watching_ != nullptr) watching_->Stop();
    // A callback cannot wait for the thread that it is in, or that waits for its end.
    const bool waits = !switcher_->IsLooking();
    switcher_->Close();
    if (waits && watching_ != nullptr) watching_->Join();
  }

  // These do not change, or can be read in a forked child.
  const std::string& directory() const { return switcher_->directory(); }
  std::int64_t version() const { return switcher_->serving().version(); }
  bool closed() const { return switcher_->serving().closed(); }

 private:
  [[noreturn]] void ThrowClosed() const {
    throw InvalidArgumentError("the repository \"" + directory() + "\" is closed; open it again");
  }

  const ForkGuard fork_guard_;
  std::shared_ptr<VersionSwitcher> switcher_;
  std::unique_ptr<WatchingThread> watching_;
};

ModelRepository::ModelRepository(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

ModelRepository ModelRepository::Open(const std::string& directory, const RepositoryOptions& options) {
  CheckInterval(options.poll_interval);
  return ModelRepository(std::make_shared<Impl>(directory, options));
}

VersionedModel ModelRepository::current() const { return impl_->current(); }
Model ModelRepository::model() const { return impl_->current().model; }
std::int64_t ModelRepository::version() const { return impl_->version(); }
std::vector<VersionStatus> ModelRepository::versions() const { return impl_->switcher().table().Statuses(); }
std::string ModelRepository::problem() const { return impl_->switcher().table().problem(); }
const std::string& ModelRepository::directory() const { return impl_->directory(); }
bool ModelRepository::closed() const { return impl_->closed(); }

void ModelRepository::Refresh() {
  // A callback may let go of the last copy.
  const std::shared_ptr<Impl> impl = impl_;
  impl->Refresh();
}

void ModelRepository::Close() { impl_->Close(); }

}  // namespace tftrt
