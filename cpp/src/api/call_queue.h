#ifndef TFTRT_API_CALL_QUEUE_H_
#define TFTRT_API_CALL_QUEUE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "api/call_limits.h"

namespace tftrt {

// Makes calls in threads of its own, in the order in which they were submitted. Threads begin when they are needed.
// Thread-safe.
class CallQueue {
 public:
  CallQueue(std::size_t most_threads, std::size_t most_waiting);
  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  // Makes the calls that wait, then ends the threads. May be called from one of them, by the last call there is.
  ~CallQueue();

  // `call` throws nothing, and ends at once when `limits` are reached. Those for which they are make room for others,
  // and are made before them. Throws ResourceExhaustedError if too many are waiting.
  void Submit(std::function<void()> call, const CallLimits& limits);

  // Waits until no queue of the process has a call, unless it is called by one.
  static void WaitForAll();

 private:
  struct State;
  static void Work(const std::shared_ptr<State>& state);

  const std::size_t most_threads_;
  const std::size_t most_waiting_;
  const std::shared_ptr<State> state_;
  std::vector<std::thread> threads_;  // guarded by the state's mutex
};

}  // namespace tftrt

#endif  // TFTRT_API_CALL_QUEUE_H_
