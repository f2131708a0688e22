#include "tf/status.h"

#include "tftrt/error.h"

namespace tftrt {
namespace {

std::string Message(const absl::Status& status, const std::string& context) {
  return context + " failed: " + std::string(status.message()) +
         " [TensorFlow: " + absl::StatusCodeToString(status.code()) + "]";
}

}  // namespace

void ThrowIfError(const absl::Status& status, const std::string& context) {
  if (status.ok()) return;
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
