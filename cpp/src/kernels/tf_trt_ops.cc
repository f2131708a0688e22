#include "kernels/tf_trt_ops.h"

#include <cstddef>
#include <utility>

#include "tensorflow/core/framework/common_shape_fns.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_def_builder.h"
#include "tensorflow/core/framework/partial_tensor_shape.h"
#include "tensorflow/core/framework/shape_inference.h"

// Facts from tensorflow/compiler/tf2tensorrt/ops/{trt_engine_op,trt_engine_resource_ops,get_calibration_data_op}.cc.

namespace tftrt {
namespace {

using tensorflow::OpDefBuilder;
using tensorflow::OpRegistrationData;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

// Those that conversion noted.
absl::Status SetEngineShapes(InferenceContext* context) {
  std::vector<tensorflow::PartialTensorShape> shapes;
  TF_RETURN_IF_ERROR(context->GetAttr("output_shapes", &shapes));
  for (int i = 0; i < context->num_outputs(); ++i) {
    ShapeHandle shape = context->UnknownShape();
    if (static_cast<std::size_t>(i) < shapes.size()) {
      TF_RETURN_IF_ERROR(context->MakeShapeFromPartialTensorShape(shapes[static_cast<std::size_t>(i)], &shape));
    }
    context->set_output(i, shape);
  }
  return absl::OkStatus();
}

std::vector<OpDefBuilder> Builders() {
  std::vector<OpDefBuilder> builders;
  builders.push_back(OpDefBuilder("TRTEngineOp")
                         .Attr("serialized_segment: string")
                         .Attr("segment_func: func = {}")
                         .Attr("InT: list({bool,int8,float16,float32,int32,resource})")
                         .Attr("OutT: list({bool,int8,float16,float32,int32})")
                         .Attr("input_shapes: list(shape) = []")
                         .Attr("output_shapes: list(shape) = []")
                         .Attr("max_cached_engines_count: int = 1")
                         .Attr("max_batch_size: int = 1")
                         .Attr("workspace_size_bytes: int")
                         .Attr("precision_mode: {'FP32', 'FP16', 'INT8'}")
                         .Attr("calibration_data: string = ''")
                         .Attr("use_calibration: bool = true")
                         .Attr("segment_funcdef_name: string = ''")
                         .Attr("cached_engine_batches: list(int) >= 0 = []")
                         .Attr("fixed_input_size: bool = true")
                         .Attr("static_engine: bool = true")
                         .Attr("profile_strategy: string = ''")
                         .Attr("use_explicit_precision: bool = false")
                         .Input("in_tensor: InT")
                         .Output("out_tensor: OutT"));
  builders.push_back(OpDefBuilder("CreateTRTResourceHandle")
                         .Attr("resource_name: string")
                         .Output("resource_handle: resource")
                         .SetIsStateful());
  builders.push_back(OpDefBuilder("InitializeTRTResource")
                         .Attr("max_cached_engines_count: int = 1")
                         .Input("resource_handle: resource")
                         .Input("filename: string")
                         .SetIsStateful());
  builders.push_back(OpDefBuilder("SerializeTRTResource")
                         .Attr("delete_resource: bool = false")
                         .Attr("save_gpu_specific_engines: bool = True")
                         .Input("resource_name: string")
                         .Input("filename: string")
                         .SetIsStateful());
  builders.push_back(OpDefBuilder("GetCalibrationDataOp")
                         .Input("resource_name: string")
                         .Output("serialized_resource: string")
                         .SetIsStateful());
  builders.front().SetShapeFn(SetEngineShapes);
  for (std::size_t i = 1; i < builders.size(); ++i) builders[i].SetShapeFn(tensorflow::shape_inference::UnknownShape);
  return builders;
}

}  // namespace

std::vector<tensorflow::OpDef> TfTrtOps() {
  std::vector<tensorflow::OpDef> ops;
  for (const OpDefBuilder& builder : Builders()) {
    OpRegistrationData data;
    TF_CHECK_OK(builder.Finalize(&data));
    ops.push_back(std::move(data.op_def));
  }
  return ops;
}

void RegisterMissingTfTrtOps() {
  tensorflow::OpRegistry& registry = *tensorflow::OpRegistry::Global();
  for (const OpDefBuilder& builder : Builders()) {
    OpRegistrationData made;
    TF_CHECK_OK(builder.Finalize(&made));
    const OpRegistrationData* present = nullptr;
    if (registry.LookUp(made.op_def.name(), &present).ok()) continue;
    registry.Register([builder](OpRegistrationData* data) { return builder.Finalize(data); });
  }
}

}  // namespace tftrt
