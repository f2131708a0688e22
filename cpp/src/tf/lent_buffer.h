#ifndef TFTRT_TF_LENT_BUFFER_H_
#define TFTRT_TF_LENT_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "tensorflow/core/framework/allocation_description.pb.h"
#include "tensorflow/core/framework/tensor.h"

namespace tftrt {

// Somebody else's memory as TensorFlow sees it. Kernels do not reuse it, because OwnsMemory is false; for the few that
// write to their inputs all the same MayBeRetained asks for a copy.
class LentBuffer final : public tensorflow::TensorBuffer {
 public:
  // `owner` keeps the memory.
  LentBuffer(void* data, std::size_t size, std::shared_ptr<const void> owner)
      : TensorBuffer(data), size_(size), owner_(std::move(owner)) {}

  std::size_t size() const override { return size_; }
  TensorBuffer* root_buffer() override { return this; }
  bool OwnsMemory() const override { return false; }
  void FillAllocationDescription(tensorflow::AllocationDescription* proto) const override {
    proto->set_requested_bytes(static_cast<std::int64_t>(size_));
    proto->set_allocator_name("tftrt_borrowed");
  }

 private:
  const std::size_t size_;
  const std::shared_ptr<const void> owner_;
};

}  // namespace tftrt

#endif  // TFTRT_TF_LENT_BUFFER_H_
