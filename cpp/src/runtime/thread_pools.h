#ifndef TFTRT_RUNTIME_THREAD_POOLS_H_
#define TFTRT_RUNTIME_THREAD_POOLS_H_

#include <memory>

#include "tensorflow/core/platform/threadpool_options.h"

namespace tftrt {

// One model's own threads for the work inside ops. TensorFlow's session options can give a session its own threads
// between ops, but inside ops only with each call.
class IntraOpPool {
 public:
  explicit IntraOpPool(int threads);
  ~IntraOpPool();

  const tensorflow::thread::ThreadPoolOptions& options() const { return options_; }

 private:
  class Pool;
  std::unique_ptr<Pool> pool_;
  tensorflow::thread::ThreadPoolOptions options_;
};

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_THREAD_POOLS_H_
