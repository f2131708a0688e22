#ifndef TFTRT_API_WAITER_H_
#define TFTRT_API_WAITER_H_

#include <condition_variable>
#include <mutex>

#include "api/call_limits.h"
#include "api/cancellation.h"

namespace tftrt {

// Lets a thread wait for another to be done, as long as the limits of its call allow. Thread-safe.
class Waiter {
 public:
  void Notify() {
    // Under the lock: the waiting thread may destroy this as soon as it has it.
    const std::lock_guard lock(mutex_);
    done_ = true;
    changed_.notify_all();
  }

  // Throws as CallLimits::Check does.
  void Wait(const CallLimits& limits) {
    std::optional<Cancellation::State::Wake> wake;
    if (limits.cancellation) {
      wake.emplace(limits.cancellation->state(), [this] {
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
      });
    }
    std::unique_lock lock(mutex_);
    const auto over = [&] { return done_ || limits.reached(); };
    if (limits.deadline) {
      changed_.wait_until(lock, *limits.deadline, over);
    } else {
      changed_.wait(lock, over);
    }
    const bool done = done_;
    lock.unlock();
    if (!done) limits.Check();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
};

}  // namespace tftrt

#endif  // TFTRT_API_WAITER_H_
