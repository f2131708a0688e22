#ifndef TFTRT_RUNTIME_BOUND_INPUT_H_
#define TFTRT_RUNTIME_BOUND_INPUT_H_

#include <utility>

#include "gpu/transfer.h"
#include "tf/tensor_conversion.h"

namespace tftrt {

// An input's memory as TensorFlow reads it on the host, prepared once as far as that goes.
class BoundInput {
 public:
  // `copy`: the graph may keep it.
  BoundInput(Tensor tensor, bool copy)
      : tensor_(std::move(tensor)), how_(copy || tensor_.dtype() == DType::kString ? How::kNewCopy : How::kLent) {
    if (how_ == How::kLent && (tensor_.on_gpu() || !IsAligned(tensor_.data()))) how_ = How::kCopy;
  }

  tensorflow::Tensor First() const { return ToTensorFlow(tensor_, how_ != How::kLent); }

  void Update(tensorflow::Tensor& feed) const {
    if (how_ == How::kNewCopy) feed = ToTensorFlow(tensor_, true);
    if (how_ == How::kCopy) CopyElements(tensor_, feed.data());
  }

 private:
  // kCopy: into the same place each time; kNewCopy: the graph may still have the last one.
  enum class How { kLent, kCopy, kNewCopy };

  Tensor tensor_;
  How how_;
};

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_BOUND_INPUT_H_
