#ifndef TFTRT_TF_DEVICE_BUFFER_H_
#define TFTRT_TF_DEVICE_BUFFER_H_

#include <cstddef>

#include "tf/gpu_device.h"

namespace tftrt {

// GPU memory that grows when it has to, at an address that TensorRT takes. Not thread-safe.
class DeviceBuffer {
 public:
  // TensorRT's requirement for a workspace; for inputs and outputs it is less.
  static constexpr std::size_t kAlignment = 512;

  explicit DeviceBuffer(CountedUse::Counter counter = &MemoryCounters::gpu_buffers) : counter_(counter) {}

  void* data() const { return data_; }

  bool Has(std::size_t bytes) const { return data_ != nullptr && bytes_ >= bytes; }

  // Has room for `bytes` from now on. Where it had not, the memory is another one, with nothing in it; nobody may be
  // using the old one then.
  void Reserve(const GpuDevice& gpu, std::size_t bytes);

  // Of at least that many bytes, which do not move.
  tensorflow::Tensor View(tensorflow::DataType dtype, const tensorflow::TensorShape& shape) const;

 private:
  CountedUse::Counter counter_;
  tensorflow::Tensor memory_;
  CountedUse use_;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace tftrt

#endif  // TFTRT_TF_DEVICE_BUFFER_H_
