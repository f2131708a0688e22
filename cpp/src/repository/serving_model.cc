#include "repository/serving_model.h"

#include <chrono>
#include <thread>
#include <utility>

namespace tftrt {
namespace {

std::size_t NumberOfThisThread() {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

}  // namespace

ServingModel::~ServingModel() { delete current_.load(std::memory_order_acquire); }

std::optional<VersionedModel> ServingModel::Get() const {
  Readers& readers = readers_[NumberOfThisThread() % kCounters];
  // Sequentially consistent, so that a reader is either counted before Replace looks, or finds the new model.
  std::atomic<std::uint32_t>& count = readers.in_period[period_.load() % 2];
  count.fetch_add(1);
  std::optional<VersionedModel> copy;
  if (const VersionedModel* const current = current_.load()) copy.emplace(*current);
  count.fetch_sub(1, std::memory_order_release);
  return copy;
}

bool ServingModel::Switch(std::optional<VersionedModel>& next) {
  const std::lock_guard lock(replace_mutex_);
  if (closed()) return false;
  const auto before = Replace(std::make_unique<const VersionedModel>(std::exchange(next, std::nullopt).value()));
  if (before != nullptr) next.emplace(*before);
  return true;
}

void ServingModel::Close() {
  TurnAway();
  const std::lock_guard lock(replace_mutex_);
  Replace(nullptr);
}

std::unique_ptr<const VersionedModel> ServingModel::Replace(std::unique_ptr<const VersionedModel> next) {
  const std::int64_t version = next == nullptr ? this->version() : next->version;
  std::unique_ptr<const VersionedModel> before(current_.exchange(next.release()));
  version_.store(version, std::memory_order_release);
  // Twice, because a reader may have taken its period long before it counted itself in it. In a period that is over
  // hardly anybody begins, so that the counts come to nought, whatever the load.
  for (int i = 0; i < 2; ++i) {
    const std::uint32_t period = period_.fetch_add(1) % 2;
    for (const Readers& readers : readers_) {
      while (readers.in_period[period].load() != 0) std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
  }
  return before;
}

}  // namespace tftrt
