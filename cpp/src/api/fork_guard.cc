#include "api/fork_guard.h"

#include <pthread.h>

#include <atomic>

#include "tftrt/error.h"

namespace tftrt {
namespace {

// Counting forks costs a relaxed load for each check, where getpid would cost a system call.
std::atomic<unsigned> generation{0};

void CountForks() {
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(registered);
}

}  // namespace

ForkGuard::ForkGuard() {
  CountForks();
  generation_ = generation.load(std::memory_order_relaxed);
}

bool ForkGuard::InForkedChild() const { return generation_ != generation.load(std::memory_order_relaxed); }

void ForkGuard::Throw() {
  throw IncompatibleError(
      "the process was forked after a model was loaded, and TensorFlow's threads did not come along. Load the model in "
      "the child: start gunicorn without --preload (or load in post_fork), use multiprocessing's \"spawn\" start "
      "method");
}

}  // namespace tftrt
