#include "c_api/status.h"

#include <new>

#include "tftrt/error.h"

namespace tftrt::c_api {
namespace {

// Made before memory can run out, and never freed.
tftrt_status& OutOfMemory() noexcept {
  static tftrt_status& status = *new tftrt_status{TFTRT_OUT_OF_MEMORY, "there is no memory for what tftrt needs"};
  return status;
}
const tftrt_status& made_early = OutOfMemory();

tftrt_status* Make(tftrt_code code, const char* message) noexcept {
  try {
    return new tftrt_status{code, message};
  } catch (const std::exception&) {
    return &OutOfMemory();
  }
}

}  // namespace

tftrt_status* StatusOf(const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const InvalidArgumentError& e) {
    return Make(TFTRT_INVALID_ARGUMENT, e.what());
  } catch (const ModelError& e) {
    return Make(TFTRT_MODEL_ERROR, e.what());
  } catch (const IncompatibleError& e) {
    return Make(TFTRT_INCOMPATIBLE, e.what());
  } catch (const UnsupportedError& e) {
    return Make(TFTRT_UNSUPPORTED, e.what());
  } catch (const ResourceExhaustedError& e) {
    return Make(TFTRT_RESOURCE_EXHAUSTED, e.what());
  } catch (const DeadlineExceededError& e) {
    return Make(TFTRT_DEADLINE_EXCEEDED, e.what());
  } catch (const CancelledError& e) {
    return Make(TFTRT_CANCELLED, e.what());
  } catch (const std::bad_alloc&) {
    return &OutOfMemory();
  } catch (const std::exception& e) {
    return Make(TFTRT_INTERNAL, e.what());
  } catch (...) {
    return Make(TFTRT_INTERNAL, "something was thrown that is no std::exception");
  }
}

}  // namespace tftrt::c_api

using namespace tftrt::c_api;

tftrt_code tftrt_status_code(const tftrt_status* status) { return status == nullptr ? TFTRT_OK : status->code; }

const char* tftrt_status_message(const tftrt_status* status) {
  return status == nullptr ? "" : status->message.c_str();
}

void tftrt_status_free(tftrt_status* status) {
  if (status != &OutOfMemory()) delete status;
}

const char* tftrt_code_name(tftrt_code code) {
  switch (code) {
    case TFTRT_OK:
      return "OK";
    case TFTRT_INVALID_ARGUMENT:
      return "INVALID_ARGUMENT";
    case TFTRT_MODEL_ERROR:
      return "MODEL_ERROR";
    case TFTRT_INCOMPATIBLE:
      return "INCOMPATIBLE";
    case TFTRT_UNSUPPORTED:
      return "UNSUPPORTED";
    case TFTRT_RESOURCE_EXHAUSTED:
      return "RESOURCE_EXHAUSTED";
    case TFTRT_DEADLINE_EXCEEDED:
      return "DEADLINE_EXCEEDED";
    case TFTRT_CANCELLED:
      return "CANCELLED";
    case TFTRT_INTERNAL:
      return "INTERNAL";
    case TFTRT_OUT_OF_MEMORY:
      return "OUT_OF_MEMORY";
    default:
      return nullptr;
  }
}

const char* tftrt_version(void) { return TFTRT_VERSION; }
