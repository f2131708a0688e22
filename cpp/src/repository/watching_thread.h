#ifndef TFTRT_REPOSITORY_WATCHING_THREAD_H_
#define TFTRT_REPOSITORY_WATCHING_THREAD_H_

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "api/fork_guard.h"

namespace tftrt {

// Calls a function again and again in a thread of its own, until it is told to stop. Thread-safe.
class WatchingThread {
 public:
  // The first time after `interval`. What `look` throws is dropped. It is kept until the thread ends.
  WatchingThread(std::chrono::milliseconds interval, std::function<void()> look);
  WatchingThread(const WatchingThread&) = delete;
  WatchingThread& operator=(const WatchingThread&) = delete;

  // Stops it and waits for its end; if called by `look`, that is the last call.
  ~WatchingThread();

  // No call begins later. Does not wait.
  void Stop();

  // Waits for its end, after Stop. Not to be called by `look`.
  void Join();

 private:
  struct State;

  const ForkGuard fork_guard_;
  const std::shared_ptr<State> state_;
  std::mutex join_mutex_;
  std::unique_ptr<std::thread> thread_;
};

}  // namespace tftrt

#endif  // TFTRT_REPOSITORY_WATCHING_THREAD_H_
