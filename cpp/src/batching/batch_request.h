#ifndef TFTRT_BATCHING_BATCH_REQUEST_H_
#define TFTRT_BATCHING_BATCH_REQUEST_H_

#include <cstdint>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "api/waiter.h"
#include "tensorflow/core/kernels/batching_util/batch_scheduler.h"
#include "tftrt/tensor.h"

namespace tftrt {

// A call that waits for others to share a run with. Its caller may stop waiting.
struct BatchRequest {
  std::vector<Tensor> inputs;
  CallLimits limits;
  std::int64_t rows = 0;
  std::vector<Tensor> outputs;
  std::exception_ptr failure;
  Waiter done;
};

// What TensorFlow's schedulers move around.
class BatchTask final : public tensorflow::serving::BatchTask {
 public:
  explicit BatchTask(std::shared_ptr<BatchRequest> request) : request_(std::move(request)) {}
  std::size_t size() const override { return static_cast<std::size_t>(request_->rows); }
  BatchRequest& request() const { return *request_; }

 private:
  const std::shared_ptr<BatchRequest> request_;
};

}  // namespace tftrt

#endif  // TFTRT_BATCHING_BATCH_REQUEST_H_
