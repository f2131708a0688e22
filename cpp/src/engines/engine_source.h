#ifndef TFTRT_ENGINES_ENGINE_SOURCE_H_
#define TFTRT_ENGINES_ENGINE_SOURCE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "gpu/cuda.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/framework/tensor_shape.h"
#include "tftrt/tensor.h"

namespace tensorflow::tensorrt {
struct EngineContext;
}

namespace tftrt {

// An engine, and one of its profiles.
struct EngineSlot {
  tensorflow::tensorrt::EngineContext* engine = nullptr;
  int profile = 0;

  bool operator==(const EngineSlot& other) const { return engine == other.engine && profile == other.profile; }
};

// An execution context for one profile of an engine: on any stream, with a workspace and addresses of the caller's. Not
// thread-safe, and nobody else may run the same context meanwhile.
class EngineExecution {
 public:
  virtual ~EngineExecution() = default;

  virtual const EngineSlot& slot() const = 0;

  // Bytes that a run needs.
  virtual std::size_t workspace_bytes() const = 0;

  // Sets the shapes of the inputs, and returns those of the outputs. What is in the tensors does not matter.
  virtual std::vector<tensorflow::TensorShape> SetInputs(const std::vector<tensorflow::Tensor>& inputs) = 0;

  // Queues one run, for the shapes that were set. All addresses are of device memory, at multiples of 256, the
  // workspace's of 512, and needed until the run is over.
  virtual void Enqueue(void* workspace, const std::vector<void*>& inputs, const std::vector<void*>& outputs,
                       CudaStream stream) = 0;
};

// Where the execution contexts of one node's engines come from. Not thread-safe.
class EngineSource {
 public:
  virtual ~EngineSource() = default;

  // What runs inputs of these shapes; nothing if there is no engine for them.
  virtual std::optional<EngineSlot> Slot(const std::vector<Shape>& shapes) const = 0;

  // Throws UnsupportedError if no further context can use the profile.
  virtual std::unique_ptr<EngineExecution> Execution(const EngineSlot& slot) const = 0;
};

}  // namespace tftrt

#endif  // TFTRT_ENGINES_ENGINE_SOURCE_H_
