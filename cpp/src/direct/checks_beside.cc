#include "direct/checks_beside.h"

#include <algorithm>

namespace tftrt {

bool ChecksBeside::ReadsFromGpu(const Tensor* const* inputs) const {
  return std::any_of(inputs_.begin(), inputs_.end(), [&](std::size_t index) { return inputs[index]->on_gpu(); });
}

ChecksBeside::Call::Call(const ChecksBeside& checks, const Tensor* const* inputs, CudaStream stream)
    : callable_(*checks.callable_) {
  copies_.reserve(checks.inputs_.size());
  for (std::size_t index : checks.inputs_) {
    const Tensor* input = inputs[index];
    if (input->on_gpu()) {
      Tensor& copy = copies_.emplace_back(Tensor::Empty(input->dtype(), input->shape()));
      CheckCuda(GetCuda().MemcpyAsync(copy.data(), input->data(), copy.num_bytes(), kCudaMemcpyDefault, stream),
                "copying an input to its checks");
      input = &copy;
    }
    inputs_.push_back(input);
  }
  if (copies_.empty()) return;
  copied_.emplace();
  copied_->Record(stream);
}

void ChecksBeside::Call::Run() const {
  if (copied_) copied_->Wait();
  callable_.Run(inputs_.data());
}

}  // namespace tftrt
