#include "api/call_queue.h"

#include <condition_variable>
#include <deque>
#include <string>
#include <utility>

#include "tftrt/error.h"

namespace tftrt {

struct CallQueue::State {
  std::mutex mutex;
  std::condition_variable submitted;
  std::deque<std::function<void()>> waiting;
  std::size_t idle = 0;  // threads that make no call, those that are starting too
  bool ending = false;
};

CallQueue::CallQueue(std::size_t most_threads, std::size_t most_waiting)
    : most_threads_(most_threads), most_waiting_(most_waiting), state_(std::make_shared<State>()) {}

CallQueue::~CallQueue() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
    threads.swap(threads_);
  }
  state_->submitted.notify_all();
  for (std::thread& thread : threads) {
    if (thread.get_id() == std::this_thread::get_id()) {
      thread.detach();
    } else {
      thread.join();
    }
  }
}

void CallQueue::Submit(std::function<void()> call) {
  {
    const std::lock_guard lock(state_->mutex);
    const std::size_t waiting = state_->waiting.size();
    const bool starts = state_->idle <= waiting && threads_.size() < most_threads_;
    if (!starts && waiting >= state_->idle + most_waiting_) {
      throw ResourceExhaustedError("the model has " + std::to_string(most_waiting_) +
                                   " calls waiting already; call it again later, or load it with more instances or a "
                                   "higher max_queued_calls");
    }
    if (starts) {
      threads_.emplace_back([state = state_] { Work(state); });
      ++state_->idle;
    }
    state_->waiting.push_back(std::move(call));
  }
  state_->submitted.notify_one();
}

void CallQueue::Work(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (true) {
    state->submitted.wait(lock, [&] { return state->ending || !state->waiting.empty(); });
    if (state->waiting.empty()) return;
    --state->idle;
    std::function<void()> call = std::move(state->waiting.front());
    state->waiting.pop_front();
    lock.unlock();
    call();
    // What the call keeps goes before anybody is waited for.
    call = nullptr;
    lock.lock();
    ++state->idle;
  }
}

}  // namespace tftrt
