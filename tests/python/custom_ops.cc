// Ops that let tests see what the runtime does with memory and threads. Loaded with the option op_libraries; tests
// reach the extern "C" functions through ctypes.
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>

#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

namespace {

using tensorflow::OpKernel;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

// Lets calls wait until a test opens it.
class Gate {
 public:
  void Wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    ++calls_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
  }

  void Set(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }

  // All that ever came.
  int calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

  // Returns false if fewer than `count` calls wait after so many seconds.
  bool WaitForCalls(int count, double seconds) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
  int calls_ = 0;
};

Gate& TheGate() {
  static auto* gate = new Gate;
  return *gate;
}

void OutputAddress(OpKernelContext* context, const Tensor& tensor) {
  Tensor* output = nullptr;
  OP_REQUIRES_OK(context, context->allocate_output(0, {}, &output));
  output->scalar<std::int64_t>()() = reinterpret_cast<std::intptr_t>(tensor.data());
}

// The address of its input's first element.
class AddressOp final : public OpKernel {
 public:
  using OpKernel::OpKernel;
  void Compute(OpKernelContext* context) override { OutputAddress(context, context->input(0)); }
};

// Its input, once the gate is open.
class GateOp final : public OpKernel {
 public:
  using OpKernel::OpKernel;
  void Compute(OpKernelContext* context) override {
    TheGate().Wait();
    context->set_output(0, context->input(0));
  }
};

// Its input; a thread of TensorFlow's kind, which Python does not know, drops the last share once the gate is open.
class HoldOp final : public OpKernel {
 public:
  using OpKernel::OpKernel;
  void Compute(OpKernelContext* context) override {
    std::thread([held = std::optional<Tensor>(context->input(0))]() mutable {
      TheGate().Wait();
      held.reset();
    }).detach();
    context->set_output(0, context->input(0));
  }
};

// The address of its input, which it keeps for ever, as a stateful op may.
class KeepOp final : public OpKernel {
 public:
  using OpKernel::OpKernel;
  void Compute(OpKernelContext* context) override {
    new Tensor(context->input(0));
    OutputAddress(context, context->input(0));
  }
};

// Fails with the status code given.
class FailOp final : public OpKernel {
 public:
  using OpKernel::OpKernel;
  void Compute(OpKernelContext* context) override {
    const int code = context->input(0).scalar<std::int32_t>()();
    OP_REQUIRES(context, code == 0, absl::Status(static_cast<absl::StatusCode>(code), "failed as asked"));
    context->set_output(0, context->input(0));
  }
};

// The squares of its input's elements.
class SquareOp final : public OpKernel {
 public:
  using OpKernel::OpKernel;
  void Compute(OpKernelContext* context) override {
    const Tensor& x = context->input(0);
    Tensor* y = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, x.shape(), &y));
    y->flat<float>() = x.flat<float>().square();
  }
};

REGISTER_OP("TftrtTestAddress").Input("x: float").Output("address: int64");
REGISTER_OP("TftrtTestGate").Input("x: float").Output("y: float");
REGISTER_OP("TftrtTestHold").Input("x: float").Output("y: float");
REGISTER_OP("TftrtTestKeep").Input("x: float").Output("address: int64").SetIsStateful();
REGISTER_OP("TftrtTestFail").Input("code: int32").Output("y: int32");
REGISTER_OP("TftrtTestSquare").Input("x: float").Output("y: float");

REGISTER_KERNEL_BUILDER(Name("TftrtTestAddress").Device(tensorflow::DEVICE_CPU), AddressOp);
REGISTER_KERNEL_BUILDER(Name("TftrtTestGate").Device(tensorflow::DEVICE_CPU), GateOp);
REGISTER_KERNEL_BUILDER(Name("TftrtTestHold").Device(tensorflow::DEVICE_CPU), HoldOp);
REGISTER_KERNEL_BUILDER(Name("TftrtTestKeep").Device(tensorflow::DEVICE_CPU), KeepOp);
REGISTER_KERNEL_BUILDER(Name("TftrtTestFail").Device(tensorflow::DEVICE_CPU), FailOp);
REGISTER_KERNEL_BUILDER(Name("TftrtTestSquare").Device(tensorflow::DEVICE_CPU), SquareOp);

}  // namespace

extern "C" {
void TftrtTestSetGate(bool open) { TheGate().Set(open); }
bool TftrtTestWaitForCalls(int count, double seconds) { return TheGate().WaitForCalls(count, seconds); }
int TftrtTestCalls() { return TheGate().calls(); }
}
