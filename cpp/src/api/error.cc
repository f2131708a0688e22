#include "tftrt/error.h"

namespace tftrt {

// Destructors are defined here so that the classes' type information lives in this library alone.
Error::Error(const std::string& message) : std::runtime_error(message) {}
Error::~Error() = default;

InvalidArgumentError::InvalidArgumentError(const std::string& message) : Error(message) {}
InvalidArgumentError::~InvalidArgumentError() = default;

ModelError::ModelError(const std::string& message) : Error(message) {}
ModelError::~ModelError() = default;

IncompatibleError::IncompatibleError(const std::string& message) : Error(message) {}
IncompatibleError::~IncompatibleError() = default;

UnsupportedError::UnsupportedError(const std::string& message) : Error(message) {}
UnsupportedError::~UnsupportedError() = default;

ResourceExhaustedError::ResourceExhaustedError(const std::string& message) : Error(message) {}
ResourceExhaustedError::~ResourceExhaustedError() = default;

DeadlineExceededError::DeadlineExceededError(const std::string& message) : Error(message) {}
DeadlineExceededError::~DeadlineExceededError() = default;

CancelledError::CancelledError(const std::string& message) : Error(message) {}
CancelledError::~CancelledError() = default;

InternalError::InternalError(const std::string& message) : Error(message) {}
InternalError::~InternalError() = default;

}  // namespace tftrt
