#ifndef TFTRT_API_CANCELLATION_H_
#define TFTRT_API_CANCELLATION_H_

#include <atomic>
#include <functional>
#include <list>
#include <mutex>

#include "tftrt/call.h"

namespace tftrt {

// What the copies of a Cancellation share.
class Cancellation::State {
 public:
  void Cancel();
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }

  // Has `wake` called once, in the thread that cancels, while the Wake lives; not if it is cancelled already.
  class Wake {
   public:
    Wake(State& state, std::function<void()> wake);
    Wake(const Wake&) = delete;
    Wake& operator=(const Wake&) = delete;
    ~Wake();

   private:
    State& state_;
    std::list<std::function<void()>>::iterator position_;
  };

 private:
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::list<std::function<void()>> wakes_;
};

}  // namespace tftrt

#endif  // TFTRT_API_CANCELLATION_H_
