#ifndef TFTRT_GPU_MEMORY_COUNTERS_H_
#define TFTRT_GPU_MEMORY_COUNTERS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace tftrt {

// What a model has in use now, in bytes. Thread-safe.
struct MemoryCounters {
  std::atomic<std::int64_t> pinned{0};
  std::atomic<std::int64_t> gpu_buffers{0};
  std::atomic<std::int64_t> gpu_workspaces{0};
  std::atomic<std::int64_t> gpu_graphs{0};
  std::atomic<std::int64_t> graphs{0};  // their number
};

// An amount that is counted as long as this lives.
class CountedUse {
 public:
  using Counter = std::atomic<std::int64_t> MemoryCounters::*;

  CountedUse() = default;
  CountedUse(std::shared_ptr<MemoryCounters> counters, Counter counter, std::int64_t amount)
      : counters_(std::move(counters)), counter_(counter), amount_(amount) {
    (*counters_).*counter_ += amount_;
  }
  CountedUse(CountedUse&& other) noexcept { Swap(other); }
  CountedUse& operator=(CountedUse&& other) noexcept {
    CountedUse moved(std::move(other));
    Swap(moved);
    return *this;
  }
  ~CountedUse() {
    if (counters_ != nullptr) (*counters_).*counter_ -= amount_;
  }

 private:
  void Swap(CountedUse& other) noexcept {
    counters_.swap(other.counters_);
    std::swap(counter_, other.counter_);
    std::swap(amount_, other.amount_);
  }

  std::shared_ptr<MemoryCounters> counters_;
  Counter counter_ = nullptr;
  std::int64_t amount_ = 0;
};

}  // namespace tftrt

#endif  // TFTRT_GPU_MEMORY_COUNTERS_H_
