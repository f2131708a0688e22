#ifndef TFTRT_DIRECT_INSTANCE_POOL_H_
#define TFTRT_DIRECT_INSTANCE_POOL_H_

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "api/call_limits.h"
#include "direct/engine_instance.h"

namespace tftrt {

// Shares the instances of an engine out among requests: each goes to the one with the least to do. Thread-safe.
class InstancePool {
 public:
  // At least one, all on one GPU.
  explicit InstancePool(std::vector<std::unique_ptr<EngineInstance>> instances);

  std::size_t size() const { return slots_.size(); }

  // One request's use of an instance. The GPU is made current.
  class Lease {
   public:
    // Throws as CallLimits::Check does if the limits are reached before it is this request's turn.
    Lease(InstancePool& pool, const CallLimits& limits) : Lease(pool, pool.LeastBusy(), limits) {}
    Lease(InstancePool& pool, std::size_t index, const CallLimits& limits);
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() = default;

    std::size_t index() const { return index_; }
    EngineInstance& operator*() const { return *slot_.instance; }
    EngineInstance* operator->() const { return slot_.instance.get(); }

    // The request's work is queued: others may queue theirs behind it.
    void Queued() { lock_.unlock(); }

   private:
    friend class InstancePool;
    // A request that an instance has, or that waits for it.
    class Counted {
     public:
      explicit Counted(std::atomic<int>& requests) : requests_(requests) {
        requests_.fetch_add(1, std::memory_order_relaxed);
      }
      Counted(const Counted&) = delete;
      Counted& operator=(const Counted&) = delete;
      ~Counted() { requests_.fetch_sub(1, std::memory_order_relaxed); }

     private:
      std::atomic<int>& requests_;
    };

    struct Slot {
      std::unique_ptr<EngineInstance> instance;
      std::mutex mutex;
      std::atomic<int> requests{0};
    };

    Slot& slot_;
    const std::size_t index_;
    const Counted counted_;
    std::unique_lock<std::mutex> lock_;
  };

 private:
  std::size_t LeastBusy() const;

  std::deque<Lease::Slot> slots_;
};

}  // namespace tftrt

#endif  // TFTRT_DIRECT_INSTANCE_POOL_H_
