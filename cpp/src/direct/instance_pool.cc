#include "direct/instance_pool.h"

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

InstancePool::Lease::Lease(InstancePool& pool, std::size_t index) : slot_(pool.slots_[index]), index_(index) {
  slot_.instance->gpu().MakeCurrent();
  slot_.requests.fetch_add(1, std::memory_order_relaxed);
  lock_ = std::unique_lock(slot_.mutex);
}

}  // namespace tftrt
