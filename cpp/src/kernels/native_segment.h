#ifndef TFTRT_KERNELS_NATIVE_SEGMENT_H_
#define TFTRT_KERNELS_NATIVE_SEGMENT_H_

#include <optional>

#include "tensorflow/core/framework/attr_value.pb.h"
#include "tensorflow/core/framework/function.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/platform/mutex.h"

namespace tftrt {

// Runs a TRTEngineOp as its native segment: the TensorFlow ops that the engine was made from. Thread-safe.
class NativeSegment {
 public:
  explicit NativeSegment(tensorflow::NameAttrList function) : function_(std::move(function)) {}

  bool exists() const { return !function_.name().empty(); }

  // Sets the context's outputs, or its status, and calls `done`, in this thread or another.
  void Run(tensorflow::OpKernelContext* context, const tensorflow::AsyncOpKernel::DoneCallback& done);

 private:
  absl::Status Instantiate(tensorflow::OpKernelContext* context, tensorflow::FunctionLibraryRuntime::Handle* handle);

  const tensorflow::NameAttrList function_;
  tensorflow::mutex mutex_;
  std::optional<tensorflow::FunctionLibraryRuntime::Handle> handle_ TF_GUARDED_BY(mutex_);
};

}  // namespace tftrt

#endif  // TFTRT_KERNELS_NATIVE_SEGMENT_H_
