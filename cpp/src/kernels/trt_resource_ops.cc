#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/resource_handle.h"

namespace tftrt {
namespace {

using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;

// A model saved with engines makes a handle for their cache and fills it while it is initialised. On a CPU there
// are no engines, so the handle leads nowhere and filling the cache does nothing.
class CreateTrtResourceHandleCpuOp final : public OpKernel {
 public:
  explicit CreateTrtResourceHandleCpuOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("resource_name", &resource_name_));
  }

  void Compute(OpKernelContext* context) override {
    tensorflow::Tensor* output = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, tensorflow::TensorShape(), &output));
    tensorflow::ResourceHandle handle;
    handle.set_device(context->device()->name());
    handle.set_container("TF-TRT");
    handle.set_name(resource_name_);
    output->scalar<tensorflow::ResourceHandle>()() = handle;
  }

 private:
  std::string resource_name_;
};

class InitializeTrtResourceCpuOp final : public OpKernel {
 public:
  using OpKernel::OpKernel;
  void Compute(OpKernelContext*) override {}
};

REGISTER_KERNEL_BUILDER(Name("CreateTRTResourceHandle").Device(tensorflow::DEVICE_CPU), CreateTrtResourceHandleCpuOp);
REGISTER_KERNEL_BUILDER(Name("InitializeTRTResource").Device(tensorflow::DEVICE_CPU), InitializeTrtResourceCpuOp);

}  // namespace
}  // namespace tftrt
