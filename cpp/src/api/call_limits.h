#ifndef TFTRT_API_CALL_LIMITS_H_
#define TFTRT_API_CALL_LIMITS_H_

#include <chrono>
#include <optional>

#include "tftrt/call.h"
#include "tftrt/error.h"

namespace tftrt {

// When a call is to be given up.
struct CallLimits {
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::optional<Cancellation> cancellation;

  bool any() const { return deadline || cancellation; }

  bool reached() const { return cancelled() || late(); }

  // Throws CancelledError or DeadlineExceededError if it is to be given up now.
  void Check() const {
    if (cancelled()) throw CancelledError("the call was cancelled");
    if (late()) {
      throw DeadlineExceededError(
          "the call was not over at its deadline; allow more time, or load the model with more instances");
    }
  }

 private:
  bool cancelled() const { return cancellation && cancellation->cancelled(); }
  bool late() const { return deadline && std::chrono::steady_clock::now() >= *deadline; }
};

}  // namespace tftrt

#endif  // TFTRT_API_CALL_LIMITS_H_
