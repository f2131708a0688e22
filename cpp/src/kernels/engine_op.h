#ifndef TFTRT_KERNELS_ENGINE_OP_H_
#define TFTRT_KERNELS_ENGINE_OP_H_

#include <memory>
#include <string>

#include "engines/engine_table.h"
#include "kernels/native_segment.h"
#include "tensorflow/core/framework/op_kernel.h"

namespace tftrt {

// The kernel label under which EngineOp is registered, for the attribute "_kernel" of a node.
inline constexpr char kEngineOpLabel[] = "tftrt";
// Attributes that EngineOp reads: the EngineTable's id, and how many engines requests may make the node have.
inline constexpr char kEngineTableAttr[] = "_tftrt_engines";
inline constexpr char kMostEnginesAttr[] = "_tftrt_most_engines";

// The name under which TF-TRT keeps the engines of the node `name`: what follows its last slash.
std::string EngineName(const std::string& name);

// Stands in front of TensorFlow's kernel for TRTEngineOp. It knows which shapes have an engine and lets TensorFlow's
// kernel run those; it decides about all others, and counts.
//
// It is registered under a label, so that TensorFlow's kernel, which it makes from the same node without the label, is
// another one.
class EngineOp : public tensorflow::AsyncOpKernel {
 public:
  explicit EngineOp(tensorflow::OpKernelConstruction* context);
  void ComputeAsync(tensorflow::OpKernelContext* context, DoneCallback done) override;

 protected:
  // TensorFlow's kernel of the node. Without the segment it can run engines and nothing else: no build, no native run
  // behind our back, and no second copy of the weights.
  virtual absl::Status MakeDelegate(tensorflow::DeviceBase* device, tensorflow::FunctionLibraryRuntime* library,
                                    tensorflow::ResourceMgr* resources, bool with_segment,
                                    std::unique_ptr<tensorflow::OpKernel>* delegate) const;

 private:
  // Call with EngineRecord::delegate_mutex() held.
  absl::Status MakeDelegateOnce(tensorflow::OpKernelContext* context, bool with_segment,
                                std::unique_ptr<tensorflow::OpKernel>* delegate);

  bool HasEngine(tensorflow::OpKernelContext* context, const ShapeRecord& shape, const ShapeKey& key,
                 absl::Status* status) const;
  void RunEngine(tensorflow::OpKernelContext* context, ShapeRecord& shape, const DoneCallback& done);
  void RunNative(tensorflow::OpKernelContext* context, ShapeRecord& shape, DoneCallback done);
  void Miss(tensorflow::OpKernelContext* context, ShapeRecord& shape, DoneCallback done);
  void Collect(tensorflow::OpKernelContext* context, ShapeRecord& shape, DoneCallback done);
  void Build(tensorflow::OpKernelContext* context, ShapeRecord& shape, DoneCallback done);
  void AccountBuild(tensorflow::OpKernelContext* context, ShapeRecord& shape, std::int64_t nanoseconds);
  bool MayBuild(const ShapeRecord& shape) const;

  std::shared_ptr<EngineTable> table_;
  EngineRecord* record_ = nullptr;
  NativeSegment segment_;
  tensorflow::DeviceType device_type_;
  tensorflow::NodeDef plain_node_;
  const int graph_def_version_;
  bool implicit_batch_ = true;
  bool needs_calibration_ = false;
  std::size_t most_engines_ = 1;
  // Made when first needed, with EngineRecord::delegate_mutex() held.
  std::unique_ptr<tensorflow::OpKernel> runner_;
  std::unique_ptr<tensorflow::OpKernel> builder_;
};

}  // namespace tftrt

#endif  // TFTRT_KERNELS_ENGINE_OP_H_
