#ifndef TFTRT_TF_STATUS_H_
#define TFTRT_TF_STATUS_H_

#include <string>

#include "absl/status/status.h"

namespace tftrt {

// Throws the error that fits the status' code, if it is one: `context` says what was being done, in the words of
// the caller ("running signature \"serving_default\"").
void ThrowIfError(const absl::Status& status, const std::string& context);

// The same while a model is loaded, where what TensorFlow calls an invalid argument or lost data is the model's
// fault and not the caller's.
void ThrowIfLoadError(const absl::Status& status, const std::string& context);

}  // namespace tftrt

#endif  // TFTRT_TF_STATUS_H_
