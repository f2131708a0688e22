#ifndef TFTRT_TF_GPU_DEVICE_H_
#define TFTRT_TF_GPU_DEVICE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "gpu/cuda.h"
#include "gpu/memory_counters.h"
#include "tensorflow/core/framework/device.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/public/session.h"
#include "tftrt/tensor.h"

namespace tftrt {

// A GPU as a session has it. Thread-safe. Lives no longer than the session.
class GpuDevice {
 public:
  // `index` is CUDA's number of it; TensorFlow's kernels run in `stream`.
  GpuDevice(tensorflow::Device& device, int index, CudaStream stream)
      : device_(device), index_(index), compute_stream_(stream) {}

  int index() const { return index_; }
  // TensorFlow's full one.
  const std::string& name() const { return device_.name(); }
  // TensorFlow's own, in which its kernels run.
  CudaStream stream() const { return compute_stream_; }
  tensorflow::ResourceMgr& resources() const { return *device_.resource_manager(); }

  // Has this thread's CUDA calls go to this GPU.
  void MakeCurrent() const { CheckCuda(GetCuda().SetDevice(index_), "choosing the GPU"); }

  // Bytes of TensorFlow's pool, not initialised. No work of TensorFlow's uses them any more. Throws InternalError if
  // there are not enough.
  tensorflow::Tensor Allocate(std::int64_t bytes) const;

  // A tensor of TensorFlow's pool, not initialised, to be used in TensorFlow's stream alone. Throws likewise.
  tensorflow::Tensor AllocateInOrder(tensorflow::DataType dtype, const tensorflow::TensorShape& shape) const;

  // Zeros on the GPU. They may outlive the device.
  Tensor AllocateZeros(DType dtype, const Shape& shape) const;

  // `memory` of TensorFlow's pool for others to use: it goes back when what is in CUDA's default stream by then is
  // over.
  std::shared_ptr<void> ForOthers(std::shared_ptr<void> memory) const;

  // Zeros in pinned host memory: the GPU reads and writes it without a copy in between. It may outlive the device.
  Tensor AllocatePinned(DType dtype, Shape shape) const;

  // What was allocated above, as long as it is in use; all else that a model has there is to be counted as well.
  const std::shared_ptr<MemoryCounters>& counters() const { return counters_; }

  // Bytes of TensorFlow's pool that are in use, whoever uses them.
  std::int64_t PoolBytesInUse() const;

  // Whether `pointer` lies in such memory, whoever allocated it.
  static bool IsPinned(const void* pointer);

 private:
  tensorflow::Device& device_;
  int index_;
  const std::shared_ptr<MemoryCounters> counters_ = std::make_shared<MemoryCounters>();
  CudaStream compute_stream_;
};

// A device of the session, by a name that TensorFlow has for it ("/device:GPU:0"). Throws
// InternalError or ModelError if it has none.
tensorflow::Device& FindDevice(tensorflow::Session& session, const std::string& name);

// `name` as for FindDevice. Throws InternalError if the session has no such GPU.
GpuDevice OpenGpu(tensorflow::Session& session, const std::string& name, int index);

}  // namespace tftrt

#endif  // TFTRT_TF_GPU_DEVICE_H_
