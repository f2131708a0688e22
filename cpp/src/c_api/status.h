#ifndef TFTRT_C_API_STATUS_H_
#define TFTRT_C_API_STATUS_H_

#include <exception>
#include <string>

#include "tftrt/c_api.h"

struct tftrt_status {
  tftrt_code code;
  std::string message;
};

namespace tftrt::c_api {

// The status for what was thrown; never null.
tftrt_status* StatusOf(const std::exception_ptr& error) noexcept;

// Runs the body of a C function. Everything that it throws becomes the status that is returned.
template <typename F>
tftrt_status* Guard(F&& body) noexcept {
  try {
    body();
    return nullptr;
  } catch (...) {
    return StatusOf(std::current_exception());
  }
}

}  // namespace tftrt::c_api

#endif  // TFTRT_C_API_STATUS_H_
