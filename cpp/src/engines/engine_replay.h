#ifndef TFTRT_ENGINES_ENGINE_REPLAY_H_
#define TFTRT_ENGINES_ENGINE_REPLAY_H_

#include "absl/status/status.h"
#include "engines/engine_plans.h"
#include "engines/shape_key.h"

namespace tensorflow {
class OpKernelContext;
}

namespace tftrt {

// Runs an engine in the place of TensorFlow's kernel. Not thread-safe.
class EngineReplay {
 public:
  virtual ~EngineReplay() = default;

  // Queues a run with the inputs of `context`, which have these shapes and are not empty, and sets its outputs.
  virtual absl::Status Run(tensorflow::OpKernelContext* context, const ShapeKey& key) = 0;

  // Runs the engines of `plans` on zeros, and waits until that is over. Throws what running them throws.
  virtual void Warm(const EnginePlans& plans) = 0;
};

}  // namespace tftrt

#endif  // TFTRT_ENGINES_ENGINE_REPLAY_H_
