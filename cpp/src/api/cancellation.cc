#include "api/cancellation.h"

#include <utility>

namespace tftrt {

void Cancellation::State::Cancel() {
  const std::lock_guard lock(mutex_);
  if (cancelled_.exchange(true, std::memory_order_acq_rel)) return;
  for (const std::function<void()>& wake : wakes_) wake();
}

Cancellation::State::Wake::Wake(State& state, std::function<void()> wake) : state_(state) {
  const std::lock_guard lock(state.mutex_);
  position_ = state.wakes_.insert(state.wakes_.end(), std::move(wake));
}

Cancellation::State::Wake::~Wake() {
  const std::lock_guard lock(state_.mutex_);
  state_.wakes_.erase(position_);
}

Cancellation::Cancellation() : state_(std::make_shared<State>()) {}

void Cancellation::Cancel() const { state_->Cancel(); }

bool Cancellation::cancelled() const { return state_->cancelled(); }

}  // namespace tftrt
