#ifndef TFTRT_API_QUEUED_CALL_H_
#define TFTRT_API_QUEUED_CALL_H_

#include <functional>
#include <utility>
#include <vector>

#include "tftrt/model.h"

namespace tftrt {

// A call that another thread makes.
class QueuedCall {
 public:
  using Run = std::function<std::vector<Tensor>(const Tensor* const* inputs)>;

  // `run` keeps the model.
  QueuedCall(std::vector<Tensor> inputs, Run run, Model::Done done)
      : inputs_(std::move(inputs)), run_(std::move(run)), done_(std::move(done)) {}

  // Once, in the other thread. Throws nothing.
  void Make() {
    std::vector<Tensor> outputs;
    std::exception_ptr error;
    std::vector<const Tensor*> pointers;
    for (const Tensor& input : inputs_) pointers.push_back(&input);
    try {
      outputs = run_(pointers.data());
    } catch (...) {
      error = std::current_exception();
    }
    // If nobody else has the model, it goes now: who learns of the end may end the process.
    run_ = nullptr;
    inputs_.clear();
    done_(std::move(outputs), std::move(error));
  }

 private:
  std::vector<Tensor> inputs_;
  Run run_;
  const Model::Done done_;
};

}  // namespace tftrt

#endif  // TFTRT_API_QUEUED_CALL_H_
