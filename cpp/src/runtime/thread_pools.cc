#include "runtime/thread_pools.h"

#include <functional>

#include "tensorflow/core/platform/env.h"
#include "tensorflow/core/platform/threadpool.h"
#include "tensorflow/core/platform/threadpool_interface.h"

namespace tftrt {

// TensorFlow's own pool, behind the interface through which calls take one.
class IntraOpPool::Pool final : public tensorflow::thread::ThreadPoolInterface {
 public:
  explicit Pool(int threads) : pool_(tensorflow::Env::Default(), "tftrt_intra_op", threads) {}

  void Schedule(std::function<void()> task) override { pool_.Schedule(std::move(task)); }
  int NumThreads() const override { return pool_.NumThreads(); }
  int CurrentThreadId() const override { return pool_.CurrentThreadId(); }

 private:
  tensorflow::thread::ThreadPool pool_;
};

IntraOpPool::IntraOpPool(int threads) : pool_(std::make_unique<Pool>(threads)) {
  options_.intra_op_threadpool = pool_.get();
}

IntraOpPool::~IntraOpPool() = default;

}  // namespace tftrt
