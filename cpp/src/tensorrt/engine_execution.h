#ifndef TFTRT_TENSORRT_ENGINE_EXECUTION_H_
#define TFTRT_TENSORRT_ENGINE_EXECUTION_H_

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "engines/engine_source.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/framework/tensor_shape.h"
#include "tensorflow/core/platform/mutex.h"

namespace nvinfer1 {
class IExecutionContext;
}

namespace tensorflow::tensorrt {
struct ExecutionContext;
class TrtShapeOptimizationProfile;
}  // namespace tensorflow::tensorrt

namespace tftrt {

// Of an engine of TF-TRT's, run without TF-TRT's kernel.
class TensorRtExecution final : public EngineExecution {
 public:
  // See EngineCache::Execution. `owner` keeps slot and profiles.
  TensorRtExecution(std::shared_ptr<const void> owner, const EngineSlot& slot,
                    const tensorflow::tensorrt::TrtShapeOptimizationProfile& profiles, bool implicit_batch,
                    std::size_t outputs, bool another);
  TensorRtExecution(const TensorRtExecution&) = delete;
  TensorRtExecution& operator=(const TensorRtExecution&) = delete;
  ~TensorRtExecution() override;

  const EngineSlot& slot() const override { return slot_; }
  std::size_t workspace_bytes() const override;
  std::vector<tensorflow::TensorShape> SetInputs(const std::vector<tensorflow::Tensor>& inputs) override;
  void Enqueue(void* workspace, const std::vector<void*>& inputs, const std::vector<void*>& outputs,
               CudaStream stream) override;

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
