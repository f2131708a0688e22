#ifndef TFTRT_CALL_H_
#define TFTRT_CALL_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tftrt/export.h"

namespace tftrt {

// Gives up calls. Cheap to copy: copies stand for the same, and each call that was given one is given up when any of
// them is cancelled. Thread-safe.
class TFTRT_EXPORT Cancellation {
 public:
  Cancellation();

  // Once and for all: calls made with it later are given up at once.
  void Cancel() const;
  bool cancelled() const;

  class State;
  State& state() const { return *state_; }

 private:
  std::shared_ptr<State> state_;
};

// What one call of Model::Run or Model::RunAsync shall do.
struct CallOptions {
  // Names of the outputs wanted, in that order; all of them if empty.
  std::vector<std::string> outputs;

  // Of them, those to be returned in GPU memory.
  std::vector<std::string> on_gpu;

  // When the call is given up with DeadlineExceededError, or with CancelledError. One that has not begun to run never
  // does, and makes room for others. What runs already is not stopped, neither on a GPU nor in TensorFlow's session:
  // the caller goes on, it ends by itself, and what it computed is dropped. Until then it may read its inputs, whose
  // owners are kept.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::optional<Cancellation> cancellation;
};

}  // namespace tftrt

#endif  // TFTRT_CALL_H_
