#ifndef TFTRT_BATCHING_BATCH_REQUEST_H_
#define TFTRT_BATCHING_BATCH_REQUEST_H_

#include <cstdint>
#include <exception>
#include <vector>

#include "tensorflow/core/kernels/batching_util/batch_scheduler.h"
#include "tensorflow/core/platform/notification.h"
#include "tftrt/tensor.h"

namespace tftrt {

// A call that waits for others to share a run with. Its caller owns it, and waits.
struct BatchRequest {
  const Tensor* const* inputs = nullptr;
  std::int64_t rows = 0;
  std::vector<Tensor> outputs;
  std::exception_ptr failure;
  tensorflow::Notification done;
};

// What TensorFlow's schedulers move around.
class BatchTask final : public tensorflow::serving::BatchTask {
 public:
  explicit BatchTask(BatchRequest& request) : request_(request) {}
  std::size_t size() const override { return static_cast<std::size_t>(request_.rows); }
  BatchRequest& request() const { return request_; }

 private:
  BatchRequest& request_;
};

}  // namespace tftrt

#endif  // TFTRT_BATCHING_BATCH_REQUEST_H_
