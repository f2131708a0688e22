#ifndef TFTRT_TENSORRT_ENGINE_EXECUTION_H_
#define TFTRT_TENSORRT_ENGINE_EXECUTION_H_

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "gpu/cuda.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/framework/tensor_shape.h"
#include "tensorflow/core/platform/mutex.h"

namespace nvinfer1 {
class IExecutionContext;
}

namespace tensorflow::tensorrt {
struct EngineContext;
struct ExecutionContext;
class TrtShapeOptimizationProfile;
}  // namespace tensorflow::tensorrt

namespace tftrt {

// An engine of TF-TRT's, and one of its profiles.
struct EngineSlot {
  tensorflow::tensorrt::EngineContext* engine = nullptr;
  int profile = 0;

  bool operator==(const EngineSlot& other) const { return engine == other.engine && profile == other.profile; }
};

// An execution context for one profile of an engine, run without TF-TRT's kernel: on any stream, with a workspace and
// addresses of the caller's. Not thread-safe, and nobody else may run the same context meanwhile.
class EngineExecution {
 public:
  // See EngineCache::Execution. `owner` keeps slot and profiles.
  EngineExecution(std::shared_ptr<const void> owner, const EngineSlot& slot,
                  const tensorflow::tensorrt::TrtShapeOptimizationProfile& profiles, bool implicit_batch,
                  std::size_t outputs, bool another);
  EngineExecution(const EngineExecution&) = delete;
  EngineExecution& operator=(const EngineExecution&) = delete;
  ~EngineExecution();

  const EngineSlot& slot() const { return slot_; }

  // Bytes that a run needs.
  std::size_t workspace_bytes() const;

  // Sets the shapes of the inputs, and returns those of the outputs. What is in the tensors does not matter.
  std::vector<tensorflow::TensorShape> SetInputs(const std::vector<tensorflow::Tensor>& inputs);

  // Queues one run, for the shapes that were set. All addresses are of device memory, at multiples of 256, the
  // workspace's of 512, and needed until the run is over.
  void Enqueue(void* workspace, const std::vector<void*>& inputs, const std::vector<void*>& outputs, CudaStream stream);

 private:
  // Where the tensor's address goes among the bindings; -1 if the engine does not have it.
  int Binding(const char* prefix, std::size_t index) const;
  // Of TF-TRT's context, which its kernel uses under a lock; nothing to lock in one of our own.
  std::unique_lock<tensorflow::mutex> LockShared() const;

  const std::shared_ptr<const void> owner_;
  const EngineSlot slot_;
  const tensorflow::tensorrt::TrtShapeOptimizationProfile& profiles_;
  const bool implicit_batch_;
  std::unique_ptr<tensorflow::tensorrt::ExecutionContext> own_;  // null: TF-TRT's is used
  tensorflow::tensorrt::ExecutionContext* execution_ = nullptr;
  int batch_ = 0;
  std::vector<int> input_bindings_;
  std::vector<int> output_bindings_;
  std::vector<void*> bindings_;
};

}  // namespace tftrt

#endif  // TFTRT_TENSORRT_ENGINE_EXECUTION_H_
