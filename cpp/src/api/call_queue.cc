#include "api/call_queue.h"

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <iterator>
#include <string>
#include <utility>

#include "api/fork_guard.h"
#include "tftrt/environment.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

// Whether this thread is a queue's.
thread_local bool is_worker = false;

}  // namespace

struct CallQueue::State {
  struct Waiting {
    std::function<void()> call;
    CallLimits limits;
  };

  const ForkGuard fork_guard;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Waiting> waiting;
  std::deque<Waiting> given_up;  // that only have to say so; made first
  std::size_t idle = 0;          // threads that make no call, those that are starting too
  std::size_t running = 0;       // calls
  bool ending = false;

  bool empty() const { return waiting.empty() && given_up.empty(); }

  // Makes room for others, up to so many.
  void SetAsideGivenUp(std::size_t most) {
    const auto first = std::stable_partition(waiting.begin(), waiting.end(),
                                             [](const Waiting& call) { return !call.limits.reached(); });
    const auto room = static_cast<std::ptrdiff_t>(most - std::min(most, given_up.size()));
    const auto last = first + std::min(room, waiting.end() - first);
    given_up.insert(given_up.end(), std::make_move_iterator(first), std::make_move_iterator(last));
    waiting.erase(first, last);
  }

  // The next to be made; there is one.
  std::function<void()> Take() {
    std::deque<Waiting>& from = given_up.empty() ? waiting : given_up;
    std::function<void()> call = std::move(from.front().call);
    from.pop_front();
    return call;
  }

  static std::mutex& RegistryMutex() {
    static auto* mutex = new std::mutex;
    return *mutex;
  }
  static std::vector<std::weak_ptr<State>>& Registry() {
    static auto* registry = new std::vector<std::weak_ptr<State>>;
    return *registry;
  }
};

CallQueue::CallQueue(std::size_t most_threads, std::size_t most_waiting)
    : most_threads_(most_threads), most_waiting_(most_waiting), state_(std::make_shared<State>()) {
  const std::lock_guard lock(State::RegistryMutex());
  auto& registry = State::Registry();
  registry.erase(std::remove_if(registry.begin(), registry.end(), [](const auto& state) { return state.expired(); }),
                 registry.end());
  registry.push_back(state_);
}

CallQueue::~CallQueue() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
    threads.swap(threads_);
  }
  state_->changed.notify_all();
  for (std::thread& thread : threads) {
    if (thread.get_id() == std::this_thread::get_id()) {
      thread.detach();
    } else {
      thread.join();
    }
  }
}

void CallQueue::Submit(std::function<void()> call, const CallLimits& limits) {
  {
    const std::lock_guard lock(state_->mutex);
    const std::size_t ahead = state_->waiting.size() + state_->given_up.size();
    const bool starts = state_->idle <= ahead && threads_.size() < most_threads_;
    const auto is_full = [&] { return !starts && state_->waiting.size() >= state_->idle + most_waiting_; };
    if (is_full()) state_->SetAsideGivenUp(most_waiting_);
    if (is_full()) {
      throw ResourceExhaustedError("the model has " + std::to_string(most_waiting_) +
                                   " calls waiting already; call it again later, or load it with more instances or a "
                                   "higher max_queued_calls");
    }
    if (starts) {
      threads_.emplace_back([state = state_] { Work(state); });
      ++state_->idle;
    }
    state_->waiting.push_back({std::move(call), limits});
  }
  state_->changed.notify_all();
}

void CallQueue::Work(const std::shared_ptr<State>& state) {
  is_worker = true;
  std::unique_lock lock(state->mutex);
  while (true) {
    state->changed.wait(lock, [&] { return state->ending || !state->empty(); });
    if (state->empty()) return;
    --state->idle;
    ++state->running;
    std::function<void()> call = state->Take();
    lock.unlock();
    call();
    // What the call keeps goes before anybody is waited for.
    call = nullptr;
    lock.lock();
    --state->running;
    ++state->idle;
    state->changed.notify_all();
  }
}

void CallQueue::WaitForAll() {
  if (is_worker) return;
  std::vector<std::shared_ptr<State>> states;
  {
    const std::lock_guard lock(State::RegistryMutex());
    for (const std::weak_ptr<State>& state : State::Registry()) {
      auto alive = state.lock();
      // A forked child does not have the threads.
      if (alive != nullptr && !alive->fork_guard.InForkedChild()) states.push_back(std::move(alive));
    }
  }
  for (const std::shared_ptr<State>& state : states) {
    std::unique_lock lock(state->mutex);
    state->changed.wait(lock, [&] { return state->running == 0 && state->empty(); });
  }
}

void WaitForQueuedCalls() { CallQueue::WaitForAll(); }

}  // namespace tftrt
