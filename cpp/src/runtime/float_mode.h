#ifndef TFTRT_RUNTIME_FLOAT_MODE_H_
#define TFTRT_RUNTIME_FLOAT_MODE_H_

#include <cfenv>

#include "tensorflow/core/platform/denormal.h"
#include "tensorflow/core/platform/setround.h"

namespace tftrt {

// While it lives, this thread computes as TensorFlow's threads do: denormals are zero, and numbers are rounded to the
// nearest. Then the thread computes as before.
class TensorFlowFloatMode {
 public:
  TensorFlowFloatMode() : round_(FE_TONEAREST) {}
  TensorFlowFloatMode(const TensorFlowFloatMode&) = delete;
  TensorFlowFloatMode& operator=(const TensorFlowFloatMode&) = delete;

 private:
  const tensorflow::port::ScopedFlushDenormal flush_;
  const tensorflow::port::ScopedSetRound round_;
};

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_FLOAT_MODE_H_
