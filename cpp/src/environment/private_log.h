#ifndef TFTRT_ENVIRONMENT_PRIVATE_LOG_H_
#define TFTRT_ENVIRONMENT_PRIVATE_LOG_H_

#include "environment/shared_library.h"

namespace tftrt {

// Has a library log only what has at least this severity, if it has a copy of Abseil's log to itself, as
// libtensorflow_cc has: no function of that copy is exported, so absl::SetMinLogLevel does not reach it, and nor does
// the environment. Its variable is found by the symbols for debuggers, of which TensorFlow has a million (5 ms); does
// nothing where these were stripped.
void SetPrivateLogLevel(const SharedLibrary& library, int level);

}  // namespace tftrt

#endif  // TFTRT_ENVIRONMENT_PRIVATE_LOG_H_
