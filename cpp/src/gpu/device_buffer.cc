#include "gpu/device_buffer.h"

#include <cstdint>

#include "tensorflow/core/framework/allocation_description.pb.h"

namespace tftrt {
namespace {

class BufferView final : public tensorflow::TensorBuffer {
 public:
  BufferView(void* data, std::size_t size, const tensorflow::Tensor& owner)
      : TensorBuffer(data), size_(size), owner_(owner) {}

  std::size_t size() const override { return size_; }
  TensorBuffer* root_buffer() override { return this; }
  bool OwnsMemory() const override { return false; }
  void FillAllocationDescription(tensorflow::AllocationDescription* description) const override {
    description->set_requested_bytes(static_cast<std::int64_t>(size_));
  }

 private:
  const std::size_t size_;
  const tensorflow::Tensor owner_;
};

}  // namespace

bool DeviceBuffer::Reserve(const GpuDevice& gpu, std::size_t bytes) {
  if (data_ != nullptr && bytes_ >= bytes) return false;
  // Returned first, so that the new memory may be where it was.
  memory_ = tensorflow::Tensor();
  data_ = nullptr;
  memory_ = gpu.Allocate(static_cast<std::int64_t>(bytes + kAlignment));
  data_ = reinterpret_cast<void*>((reinterpret_cast<std::uintptr_t>(memory_.data()) + kAlignment - 1) / kAlignment *
                                  kAlignment);
  bytes_ = bytes;
  return true;
}

tensorflow::Tensor DeviceBuffer::View(tensorflow::DataType dtype, const tensorflow::TensorShape& shape) const {
  const auto bytes = static_cast<std::size_t>(shape.num_elements() * tensorflow::DataTypeSize(dtype));
  return tensorflow::Tensor(
      dtype, shape, tensorflow::core::RefCountPtr<tensorflow::TensorBuffer>(new BufferView(data_, bytes, memory_)));
}

}  // namespace tftrt
