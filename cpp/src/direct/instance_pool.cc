#include "direct/instance_pool.h"

#include <thread>
#include <utility>

namespace tftrt {

InstancePool::InstancePool(std::vector<std::unique_ptr<EngineInstance>> instances) {
  for (std::unique_ptr<EngineInstance>& instance : instances) slots_.emplace_back().instance = std::move(instance);
}

std::size_t InstancePool::LeastBusy() const {
  std::size_t best = 0;
  int fewest = slots_.front().requests.load(std::memory_order_relaxed);
  for (std::size_t i = 1; i < slots_.size() && fewest > 0; ++i) {
    const int requests = slots_[i].requests.load(std::memory_order_relaxed);
    if (requests >= fewest) continue;
    fewest = requests;
    best = i;
  }
  return best;
}

InstancePool::Lease::Lease(InstancePool& pool, std::size_t index, const CallLimits& limits)
    : slot_(pool.slots_[index]), index_(index), counted_(slot_.requests) {
  slot_.instance->gpu().MakeCurrent();
  if (!limits.any()) {
    lock_ = std::unique_lock(slot_.mutex);
    return;
  }
  lock_ = std::unique_lock(slot_.mutex, std::try_to_lock);
  while (!lock_.owns_lock()) {
    limits.Check();
    std::this_thread::yield();
    lock_ = std::unique_lock(slot_.mutex, std::try_to_lock);
  }
}

}  // namespace tftrt
