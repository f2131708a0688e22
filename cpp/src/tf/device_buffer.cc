#include "tf/device_buffer.h"

#include <memory>

#include "tf/lent_buffer.h"

namespace tftrt {

void DeviceBuffer::Reserve(const GpuDevice& gpu, std::size_t bytes) {
  if (Has(bytes)) return;
  // Returned first, so that the new memory may be where it was.
  memory_ = tensorflow::Tensor();
  use_ = CountedUse();
  data_ = nullptr;
  memory_ = gpu.Allocate(static_cast<std::int64_t>(bytes + kAlignment));
  void* begin = memory_.data();
  std::size_t space = memory_.TotalBytes();
  data_ = std::align(kAlignment, bytes, begin, space);
  bytes_ = bytes;
  use_ = CountedUse(gpu.counters(), counter_, static_cast<std::int64_t>(memory_.TotalBytes()));
}

tensorflow::Tensor DeviceBuffer::View(tensorflow::DataType dtype, const tensorflow::TensorShape& shape) const {
  const auto bytes = static_cast<std::size_t>(shape.num_elements() * tensorflow::DataTypeSize(dtype));
  const auto owner = std::make_shared<const tensorflow::Tensor>(memory_);
  return tensorflow::Tensor(
      dtype, shape, tensorflow::core::RefCountPtr<tensorflow::TensorBuffer>(new LentBuffer(data_, bytes, owner)));
}

}  // namespace tftrt
