#ifndef TFTRT_ENVIRONMENT_OPEN_FAILURE_H_
#define TFTRT_ENVIRONMENT_OPEN_FAILURE_H_

#include <string>

namespace tftrt {

// Whether the loader's text `error` says that there was no room for the library in memory.
bool IsOutOfMemory(const std::string& error);

// Throws ResourceExhaustedError with the limit of the process if there was no room for `what`; else IncompatibleError
// with `remedy`. `error` is the loader's text.
[[noreturn]] void ThrowOpenFailure(const std::string& what, const std::string& error, const std::string& remedy);

}  // namespace tftrt

#endif  // TFTRT_ENVIRONMENT_OPEN_FAILURE_H_
