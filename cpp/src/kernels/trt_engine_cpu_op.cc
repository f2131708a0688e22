#include "kernels/native_segment.h"
#include "tensorflow/core/framework/op_kernel.h"

namespace tftrt {
namespace {

using tensorflow::AsyncOpKernel;
using tensorflow::NameAttrList;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;

NameAttrList SegmentOf(OpKernelConstruction* context) {
  NameAttrList segment;
  const absl::Status status = context->GetAttr("segment_func", &segment);
  if (!status.ok()) context->SetStatus(status);
  return segment;
}

// A TRTEngineOp on the CPU. Shared by all threads that run the node.
class TrtEngineCpuOp final : public AsyncOpKernel {
 public:
  explicit TrtEngineCpuOp(OpKernelConstruction* context) : AsyncOpKernel(context), segment_(SegmentOf(context)) {
    OP_REQUIRES(
        context, segment_.exists(),
        absl::FailedPreconditionError(absl::StrCat(
            "engine \"", name(),
            "\" has no native segment and cannot run on a CPU; convert the model again with its native segments")));
  }

  void ComputeAsync(OpKernelContext* context, DoneCallback done) override { segment_.Run(context, done); }

 private:
  NativeSegment segment_;
};

REGISTER_KERNEL_BUILDER(Name("TRTEngineOp").Device(tensorflow::DEVICE_CPU), TrtEngineCpuOp);

}  // namespace
}  // namespace tftrt
