#ifndef TFTRT_ERROR_H_
#define TFTRT_ERROR_H_

#include <stdexcept>
#include <string>

#include "tftrt/export.h"

namespace tftrt {

// Base class of everything that tftrt throws on purpose. what() says what was expected, what was found and what to
// do about it. Python has the same classes under the same names.
class TFTRT_EXPORT Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message);
  ~Error() override;
};

// An argument is wrong: an unknown input name, a wrong dtype or shape, a conflicting option.
class TFTRT_EXPORT InvalidArgumentError : public Error {
 public:
  explicit InvalidArgumentError(const std::string& message);
  ~InvalidArgumentError() override;
};

// A model does not exist, cannot be read, or does not match its manifest.
class TFTRT_EXPORT ModelError : public Error {
 public:
  explicit ModelError(const std::string& message);
  ~ModelError() override;
};

// The environment does not fit: another TensorFlow version, no TensorRT, a forked process.
class TFTRT_EXPORT IncompatibleError : public Error {
 public:
  explicit IncompatibleError(const std::string& message);
  ~IncompatibleError() override;
};

// The request is valid, but tftrt or TensorFlow cannot do it: an unregistered op, a sparse signature input.
class TFTRT_EXPORT UnsupportedError : public Error {
 public:
  explicit UnsupportedError(const std::string& message);
  ~UnsupportedError() override;
};

// There is no room: too much is waiting already and the request was rejected, the process may use too little address
// space, or the disk is full. The request can be made again.
class TFTRT_EXPORT ResourceExhaustedError : public Error {
 public:
  explicit ResourceExhaustedError(const std::string& message);
  ~ResourceExhaustedError() override;
};

// A call was not over at its deadline (CallOptions::deadline).
class TFTRT_EXPORT DeadlineExceededError : public Error {
 public:
  explicit DeadlineExceededError(const std::string& message);
  ~DeadlineExceededError() override;
};

// A call was cancelled (CallOptions::cancellation).
class TFTRT_EXPORT CancelledError : public Error {
 public:
  explicit CancelledError(const std::string& message);
  ~CancelledError() override;
};

// TensorFlow or tftrt failed in a way that the caller did not cause.
class TFTRT_EXPORT InternalError : public Error {
 public:
  explicit InternalError(const std::string& message);
  ~InternalError() override;
};

}  // namespace tftrt

#endif  // TFTRT_ERROR_H_
