#include "tf/status.h"

#include "tf/status_text.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

std::string Message(const absl::Status& status, const std::string& context) {
  return context + " failed: " + CauseOf(status.message()) +
         " [TensorFlow: " + absl::StatusCodeToString(status.code()) + "]";
}

// The model is sound: another machine or process may run it.
void ThrowIfKernelIsMissing(const absl::Status& status, const std::string& context) {
  const std::string op = OpWithoutKernel(status.message());
  if (op.empty()) return;
  // Further lines list the kernels for other devices.
  const std::string cause = CauseOf(status.message());
  throw UnsupportedError(context + " failed: the op " + op + " has no kernel that runs here: " +
                         ExplainMissingKernel(op) + ". TensorFlow: " + cause.substr(0, cause.find('\n')));
}

}  // namespace

void ThrowIfError(const absl::Status& status, const std::string& context) {
  if (status.ok()) return;
  ThrowIfKernelIsMissing(status, context);
  const std::string message = Message(status, context);
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      throw InvalidArgumentError(message);
    case absl::StatusCode::kUnimplemented:
      throw UnsupportedError(message);
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kFailedPrecondition:
      throw ModelError(message);
    case absl::StatusCode::kCancelled:
      throw CancelledError(message);
    case absl::StatusCode::kResourceExhausted:
      throw InternalError(message + ". Out of memory: use smaller inputs, or fewer models or threads at a time");
    default:
      throw InternalError(message);
  }
}

void ThrowIfLoadError(const absl::Status& status, const std::string& context) {
  if (status.ok()) return;
  ThrowIfKernelIsMissing(status, context);
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kFailedPrecondition:
      throw ModelError(Message(status, context) + ". The SavedModel is damaged or inconsistent: export it again");
    default:
      ThrowIfError(status, context);
  }
}

}  // namespace tftrt
