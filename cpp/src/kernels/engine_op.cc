#include "kernels/engine_op.h"

#include <mutex>
#include <utility>
#include <vector>

#include "engines/stopwatch.h"
#include "engines/tf_trt.h"
#include "kernels/device_copy.h"
#include "tensorflow/core/framework/node_def_util.h"
#include "tensorflow/core/framework/node_properties.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/types.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;

// TensorRT reads an input's values on the host if they can be the sizes of a shape.
constexpr std::int64_t kMostShapeValues = 8;

template <typename T>
T AttrOr(OpKernelConstruction* context, const char* name, const T& otherwise) {
  T value = otherwise;
  return context->HasAttr(name) && context->GetAttr(name, &value).ok() ? value : otherwise;
}

ShapeKey KeyOf(OpKernelContext* context) {
  ShapeKey key;
  for (int i = 0; i < context->num_inputs(); ++i) {
    const tensorflow::TensorShape& shape = context->input(i).shape();
    key.Add(shape.dims());
    for (int d = 0; d < shape.dims(); ++d) key.Add(shape.dim_size(d));
  }
  return key;
}

bool HasEmptyInput(OpKernelContext* context) {
  for (int i = 0; i < context->num_inputs(); ++i) {
    if (context->input(i).NumElements() == 0) return true;
  }
  return false;
}

bool MayBeShape(const tensorflow::Tensor& tensor) {
  return tensor.dtype() == tensorflow::DT_INT32 && tensor.dims() <= 1 && tensor.NumElements() <= kMostShapeValues;
}

absl::Status ReadValues(OpKernelContext* context, const tensorflow::Tensor& input, Shape* values) {
  tensorflow::Tensor on_host = input;
  if (context->op_device_context() != nullptr) TF_RETURN_IF_ERROR(CopyToHost(context, input, &on_host));
  const auto flat = on_host.flat<std::int32_t>();
  values->assign(flat.data(), flat.data() + flat.size());
  return absl::OkStatus();
}

}  // namespace

std::string EngineName(const std::string& name) { return name.substr(name.rfind('/') + 1); }

EngineOp::EngineOp(OpKernelConstruction* context)
    : AsyncOpKernel(context),
      segment_(AttrOr(context, "segment_func", tensorflow::NameAttrList())),
      device_type_(context->device_type()),
      plain_node_(context->def()),
      graph_def_version_(context->graph_def_version()) {
  table_ = EngineTable::Find(AttrOr(context, kEngineTableAttr, std::string()));
  OP_REQUIRES(context, table_ != nullptr,
              absl::FailedPreconditionError(absl::StrCat("engine \"", name(), "\" belongs to no model of tftrt's")));
  record_ = &table_->Get(EngineName(name()));
  implicit_batch_ = AttrOr(context, "_use_implicit_batch", true);
  most_engines_ = static_cast<std::size_t>(AttrOr(context, kMostEnginesAttr, std::int64_t{1}));
  needs_calibration_ = AttrOr(context, "precision_mode", std::string()) == "INT8" &&
                       AttrOr(context, "use_calibration", true) &&
                       AttrOr(context, "calibration_data", std::string()).empty();
  for (const char* attr : {"_kernel", kEngineTableAttr, kMostEnginesAttr}) plain_node_.mutable_attr()->erase(attr);
}

absl::Status EngineOp::MakeDelegate(tensorflow::DeviceBase* device, tensorflow::FunctionLibraryRuntime* library,
                                    tensorflow::ResourceMgr* resources, bool with_segment,
                                    std::unique_ptr<OpKernel>* delegate) const {
  tensorflow::NodeDef node = plain_node_;
  if (!with_segment) (*node.mutable_attr())["segment_func"].mutable_func()->Clear();
  std::shared_ptr<const tensorflow::NodeProperties> properties;
  TF_RETURN_IF_ERROR(
      tensorflow::NodeProperties::CreateFromNodeDef(std::move(node), tensorflow::OpRegistry::Global(), &properties));
  OpKernel* kernel = nullptr;
  TF_RETURN_IF_ERROR(tensorflow::CreateOpKernel(device_type_, device, device->GetAllocator({}), library, resources,
                                                properties, graph_def_version_, &kernel));
  delegate->reset(kernel);
  return absl::OkStatus();
}

absl::Status EngineOp::MakeDelegateOnce(OpKernelContext* context, bool with_segment,
                                        std::unique_ptr<OpKernel>* delegate) {
  if (*delegate != nullptr) return absl::OkStatus();
  return MakeDelegate(context->device(), context->function_library(), context->resource_manager(), with_segment,
                      delegate);
}

void EngineOp::ComputeAsync(OpKernelContext* context, DoneCallback done) {
  const ShapeKey key = KeyOf(context);
  ShapeRecord& shape = record_->Find(key);
  const EngineMode mode = table_->mode();
  if (mode == EngineMode::kCollect) return Collect(context, shape, std::move(done));
  // A calibration goes on until it is ended, whatever engines there are.
  const bool calibrates = mode == EngineMode::kBuild && needs_calibration_;
  absl::Status status;
  const bool has_engine = !calibrates && HasEngine(context, shape, key, &status);
  OP_REQUIRES_OK_ASYNC(context, status, done);
  if (has_engine) {
    RunEngine(context, shape, done);
  } else if (mode == EngineMode::kBuild) {
    Build(context, shape, std::move(done));
  } else {
    Miss(context, shape, std::move(done));
  }
}

bool EngineOp::HasEngine(OpKernelContext* context, const ShapeRecord& shape, const ShapeKey& key,
                         absl::Status* status) const {
  if (!record_->HasEngine(shape, key)) return false;
  if (!record_->reads_values()) return true;
  const EnginePlans plans = record_->plans();
  std::vector<Shape> values;
  for (std::size_t input : plans.shape_inputs) {
    *status = ReadValues(context, context->input(static_cast<int>(input)), &values.emplace_back());
    if (!status->ok()) return false;
  }
  return plans.Accept(key.shapes(), &values);
}

void EngineOp::RunEngine(OpKernelContext* context, ShapeRecord& shape, const DoneCallback& done) {
  const Stopwatch stopwatch;
  absl::Status status;
  {
    const std::lock_guard lock(record_->delegate_mutex());
    if (record_->replay() != nullptr && !HasEmptyInput(context)) {
      status = record_->replay()->Run(context, KeyOf(context));
    } else {
      status = MakeDelegateOnce(context, /*with_segment=*/false, &runner_);
      // Without a segment there is nothing that could go on in another thread.
      if (status.ok()) runner_->AsAsync()->ComputeAsync(context, [] {});
    }
  }
  if (!status.ok()) context->SetStatus(status);
  if (context->status().ok()) shape.CountEngineRun(stopwatch.Nanoseconds());
  done();
}

void EngineOp::RunNative(OpKernelContext* context, ShapeRecord& shape, DoneCallback done) {
  OP_REQUIRES_ASYNC(
      context, segment_.exists(),
      absl::FailedPreconditionError(absl::StrCat(
          "engine \"", name(),
          "\" was converted without its native segment, and there is no engine for these inputs; build one")),
      done);
  const Stopwatch stopwatch;
  segment_.Run(context, [context, &shape, stopwatch, done = std::move(done)] {
    if (context->status().ok()) shape.CountNativeRun(stopwatch.Nanoseconds());
    done();
  });
}

bool EngineOp::MayBuild(const ShapeRecord& shape) const {
  if (record_->IsShared(shape) || shape.build_failed() || record_->build_failed() || needs_calibration_ ||
      !segment_.exists()) {
    return false;
  }
  // As TF-TRT does: profiles are final, while without them each shape gets an engine.
  const EnginePlans plans = record_->plans();
  return implicit_batch_ ? plans.static_shapes.size() < most_engines_ : plans.profiles.empty();
}

void EngineOp::Miss(OpKernelContext* context, ShapeRecord& shape, DoneCallback done) {
  if (table_->on_miss() == OnMiss::kBuild && MayBuild(shape)) return Build(context, shape, std::move(done));
  const auto message = [&] {
    return absl::StrCat("no engine of \"", table_->model_path(), "\" takes ", ToString(KeyOf(context).shapes()), " in ",
                        record_->name(), "; there is: ", record_->plans().Describe(),
                        shape.has_engine() ? ", for other values of its int32 inputs" : "");
  };
  if (table_->on_miss() == OnMiss::kError) {
    shape.CountRefusal();
    context->SetStatus(
        absl::InvalidArgumentError(absl::StrCat(message(), ". Add one with: tftrt build ", table_->model_path(),
                                                " --keep --shapes ..., or load with on_miss = \"native\"")));
    return done();
  }
  table_->WarnOnce(message() + ". It runs as TensorFlow's own ops (on_miss = \"native\")");
  RunNative(context, shape, std::move(done));
}

void EngineOp::Collect(OpKernelContext* context, ShapeRecord& shape, DoneCallback done) {
  CollectedInputs inputs;
  inputs.shapes = KeyOf(context).shapes();
  inputs.values.resize(inputs.shapes.size());
  for (int i = 0; i < context->num_inputs(); ++i) {
    if (!MayBeShape(context->input(i))) continue;
    OP_REQUIRES_OK_ASYNC(context, ReadValues(context, context->input(i), &inputs.values[static_cast<std::size_t>(i)]),
                         done);
  }
  table_->Collect(record_->name(), std::move(inputs));
  RunNative(context, shape, std::move(done));
}

void EngineOp::Build(OpKernelContext* context, ShapeRecord& shape, DoneCallback done) {
  enum State { kRunning, kFinished, kReturned };
  struct Call {
    std::atomic<State> state{kRunning};
    DoneCallback done;
  };
  const auto call = std::make_shared<Call>();
  call->done = std::move(done);
  const Stopwatch stopwatch;
  bool has_engine = false;
  bool builds = true;
  bool finished = false;
  {
    const std::lock_guard lock(record_->delegate_mutex());
    // Another request may have built while this one waited.
    if (table_->mode() == EngineMode::kRun) {
      has_engine = record_->HasEngine(shape, KeyOf(context));
      builds = !has_engine && MayBuild(shape);
    }
    if (builds) {
      const absl::Status status = MakeDelegateOnce(context, /*with_segment=*/true, &builder_);
      OP_REQUIRES_OK_ASYNC(context, status, call->done);
      table_->NotifyBuild(record_->name());
      // If there will be no engine, the native segment may run on in another thread.
      builder_->AsAsync()->ComputeAsync(context, [this, context, &shape, stopwatch, call] {
        if (call->state.exchange(kFinished) != kReturned) return;
        {
          const std::lock_guard callback_lock(record_->delegate_mutex());
          AccountBuild(context, shape, stopwatch.Nanoseconds());
        }
        call->done();
      });
      finished = call->state.exchange(kReturned) == kFinished;
      if (finished) AccountBuild(context, shape, stopwatch.Nanoseconds());
    }
  }
  // With the lock free again: what follows may run the same engine in this thread.
  if (has_engine) {
    RunEngine(context, shape, call->done);
  } else if (!builds) {
    RunNative(context, shape, std::move(call->done));
  } else if (finished) {
    call->done();
  }
}

void EngineOp::AccountBuild(OpKernelContext* context, ShapeRecord& shape, std::int64_t nanoseconds) {
  // A calibration goes on in a thread that uses the cache.
  if (needs_calibration_) return;
  const std::vector<Shape> shapes = KeyOf(context).shapes();
  bool built = false;
  try {
    const EnginePlans before = record_->plans();
    if (auto cache = GetTfTrt().FindCache(*context->resource_manager(), record_->name())) {
      cache->DropFailedBuilds();
      EnginePlans after = cache->Plans(implicit_batch_);
      built = (after.static_shapes.size() > before.static_shapes.size() || (before.empty() && !after.empty())) &&
              after.Accept(shapes);
      record_->SetPlans(std::move(after));
    }
  } catch (const Error& error) {
    // TensorFlow's threads let no exception pass.
    context->SetStatus(absl::InternalError(error.what()));
    return;
  }
  if (built && context->status().ok()) return shape.CountBuild(nanoseconds);
  if (table_->mode() != EngineMode::kRun) return;
  if (implicit_batch_) {
    shape.set_build_failed();
  } else {
    record_->set_build_failed();
  }
  if (context->status().ok()) shape.CountNativeRun(nanoseconds);
  table_->WarnOnce("building an engine for " + ToString(shapes) + " in " + record_->name() +
                   " failed. It runs as TensorFlow's own ops");
}

}  // namespace tftrt
