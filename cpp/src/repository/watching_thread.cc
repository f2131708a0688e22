#include "repository/watching_thread.h"

#include <condition_variable>
#include <utility>

namespace tftrt {

struct WatchingThread::State {
  std::mutex mutex;
  std::condition_variable stopped;
  bool stopping = false;
};

WatchingThread::WatchingThread(std::chrono::milliseconds interval, std::function<void()> look)
    : state_(std::make_shared<State>()) {
  thread_ = std::make_unique<std::thread>([state = state_, interval, look = std::move(look)] {
    std::unique_lock lock(state->mutex);
    while (!state->stopped.wait_for(lock, interval, [&] { return state->stopping; })) {
      lock.unlock();
      try {
        look();
      } catch (...) {  // a callback cancelled it, or there was no memory; the next look is another chance
      }
      lock.lock();
    }
  });
}

WatchingThread::~WatchingThread() {
  if (fork_guard_.InForkedChild()) {
    // There is no such thread here, nor anybody to unlock what it had locked.
    thread_.release();
  } else if (thread_->get_id() == std::this_thread::get_id()) {
    Stop();
    thread_->detach();
  } else {
    Stop();
    Join();
  }
}

void WatchingThread::Stop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->stopped.notify_all();
}

void WatchingThread::Join() {
  const std::lock_guard lock(join_mutex_);
  if (thread_->joinable()) thread_->join();
}

}  // namespace tftrt
