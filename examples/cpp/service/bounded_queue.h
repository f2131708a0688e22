#ifndef SERVICE_BOUNDED_QUEUE_H_
#define SERVICE_BOUNDED_QUEUE_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace service {

// First in, first out, between any number of threads. Never holds more than it was made for: who would have to wait
// for a place is told so instead.
template <typename T>
class BoundedQueue {
 public:
  enum class Outcome { kQueued, kFull, kClosed };

  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

  // Takes `item` only if it is queued.
  Outcome Push(T&& item) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return Outcome::kClosed;
      if (items_.size() >= capacity_) return Outcome::kFull;
      items_.push_back(std::move(item));
    }
    changed_.notify_one();
    return Outcome::kQueued;
  }

  // Waits for an item, at most so long; nothing if there was none. What was queued before Close still comes.
  std::optional<T> Pop(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    return item;
  }

  void Close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

  bool drained() const {
    const std::lock_guard lock(mutex_);
    return closed_ && items_.empty();
  }

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace service

#endif  // SERVICE_BOUNDED_QUEUE_H_
