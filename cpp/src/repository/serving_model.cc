#include "repository/serving_model.h"

namespace tftrt {
namespace {

std::size_t NumberOfThisThread() {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

}  // namespace

std::optional<VersionedModel> ServingModel::Get() const {
  const std::lock_guard lock(mutexes_[NumberOfThisThread() % kMutexes].mutex);
  return current_;
}

bool ServingModel::Switch(std::optional<VersionedModel>& next) {
  LockAll();
  const bool switches = !closed();
  if (switches) {
    current_.swap(next);
    version_.store(current_->version, std::memory_order_release);
  }
  UnlockAll();
  return switches;
}

void ServingModel::Close() {
  TurnAway();
  // Freed without a lock: it takes time, if no request has a copy.
  std::optional<VersionedModel> last;
  LockAll();
  current_.swap(last);
  UnlockAll();
}

void ServingModel::LockAll() {
  for (Padded& padded : mutexes_) padded.mutex.lock();
}

void ServingModel::UnlockAll() {
  for (Padded& padded : mutexes_) padded.mutex.unlock();
}

}  // namespace tftrt
