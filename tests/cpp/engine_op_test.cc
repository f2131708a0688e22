// EngineOp, with a stand-in for TensorFlow's kernel, in a session on the CPU.

#include "kernels/engine_op.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "google/protobuf/text_format.h"
#include "runtime/engine_nodes.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/public/session.h"

namespace tftrt {
namespace {

using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

// Op types of the native segment when the engine last ran. Guarded by the engine's own lock.
std::set<std::string> segment_ops;

// Whether the kernel that was made last can build.
bool has_segment = false;

// What an engine computes here: x + 100. The native segment computes x + 1.
class FakeEngine final : public tensorflow::AsyncOpKernel {
 public:
  using AsyncOpKernel::AsyncOpKernel;
  void ComputeAsync(OpKernelContext* context, DoneCallback done) override {
    const tensorflow::FunctionDef* segment =
        context->function_library()->GetFunctionLibraryDefinition()->Find("segment");
    segment_ops.clear();
    for (const auto& node : segment->node_def()) segment_ops.insert(node.op());
    const Tensor& x = context->input(0);
    Tensor* y = nullptr;
    OP_REQUIRES_OK_ASYNC(context, context->allocate_output(0, x.shape(), &y), done);
    y->flat<float>() = x.flat<float>() + 100.0f;
    done();
  }
};

class TestedOp final : public EngineOp {
 public:
  explicit TestedOp(OpKernelConstruction* context) : EngineOp(context), construction_(context->def()) {}

 protected:
  absl::Status MakeDelegate(tensorflow::DeviceBase* device, tensorflow::FunctionLibraryRuntime* library,
                            tensorflow::ResourceMgr* resources, bool with_segment,
                            std::unique_ptr<OpKernel>* delegate) const override {
    has_segment = with_segment;
    tensorflow::NodeDef node = construction_;
    node.mutable_attr()->erase("_kernel");
    std::shared_ptr<const tensorflow::NodeProperties> properties;
    TF_RETURN_IF_ERROR(
        tensorflow::NodeProperties::CreateFromNodeDef(node, tensorflow::OpRegistry::Global(), &properties));
    absl::Status status;
    OpKernelConstruction construction(
        tensorflow::DeviceType(tensorflow::DEVICE_CPU), device, device->GetAllocator({}), library, resources,
        properties, tensorflow::MemoryTypeVector(properties->input_types.size(), tensorflow::HOST_MEMORY),
        tensorflow::MemoryTypeVector(properties->output_types.size(), tensorflow::HOST_MEMORY), 0, &status);
    *delegate = std::make_unique<FakeEngine>(&construction);
    return status;
  }

 private:
  const tensorflow::NodeDef construction_;
};

REGISTER_KERNEL_BUILDER(Name("TRTEngineOp").Device(tensorflow::DEVICE_CPU).Label(kEngineOpLabel), TestedOp);

constexpr char kGraph[] = R"(
  node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
  node {
    name: "scope/TRTEngineOp_1" op: "TRTEngineOp" input: "x"
    attr { key: "serialized_segment" value { s: "" } }
    attr { key: "segment_func" value { func { name: "segment" } } }
    attr { key: "InT" value { list { type: DT_FLOAT } } }
    attr { key: "OutT" value { list { type: DT_FLOAT } } }
    attr { key: "input_shapes" value { list { shape { dim { size: -1 } dim { size: -1 } } } } }
    attr { key: "workspace_size_bytes" value { i: 1 } }
    attr { key: "precision_mode" value { s: "FP32" } }
    attr { key: "static_engine" value { b: false } }
    attr { key: "_use_implicit_batch" value { b: false } }
    attr { key: "_kernel" value { s: "tftrt" } }
  }
  library { function {
    signature { name: "segment" input_arg { name: "x" type: DT_FLOAT } output_arg { name: "y" type: DT_FLOAT } }
    node_def { name: "one" op: "Const"
      attr { key: "dtype" value { type: DT_FLOAT } }
      attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { } float_val: 1 } } } }
    node_def { name: "add" op: "AddV2" input: "x" input: "one:output:0" attr { key: "T" value { type: DT_FLOAT } } }
    ret { key: "y" value: "add:z:0" }
  } })";

EnginePlans Plans(const Shape& min, const Shape& max) {
  EnginePlans plans;
  EnginePlans::ProfileWithValues& profile = plans.profiles.emplace_back();
  profile.shapes = {{min}, {max}, {max}};
  profile.min_values.resize(1);
  profile.max_values.resize(1);
  return plans;
}

class EngineOpTest : public testing::Test {
 protected:
  void Load(OnMiss on_miss, bool calibrates = false) {
    table_ = EngineTable::Create("folder/model", on_miss, /*warnings=*/true);
    tensorflow::GraphDef graph;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(kGraph, &graph));
    auto& attrs = *graph.mutable_node(1)->mutable_attr();
    attrs[kEngineTableAttr].set_s(table_->id());
    if (calibrates) attrs["precision_mode"].set_s("INT8");
    session_.reset(tensorflow::NewSession({}));
    ASSERT_TRUE(session_->Create(graph).ok());
  }

  absl::Status Run(const Shape& shape, float* first) {
    tensorflow::TensorShape tensor_shape;
    for (std::int64_t dim : shape) tensor_shape.AddDim(dim);
    Tensor x(tensorflow::DT_FLOAT, tensor_shape);
    x.flat<float>().setConstant(1.0f);
    std::vector<Tensor> outputs;
    TF_RETURN_IF_ERROR(session_->Run({{"x", x}}, {"scope/TRTEngineOp_1"}, {}, &outputs));
    *first = outputs[0].flat<float>()(0);
    return absl::OkStatus();
  }

  float Value(const Shape& shape) {
    float first = 0;
    const absl::Status status = Run(shape, &first);
    EXPECT_TRUE(status.ok()) << status;
    return first;
  }

  EngineRecord& record() { return table_->Get("TRTEngineOp_1"); }

  std::shared_ptr<EngineTable> table_;
  std::unique_ptr<tensorflow::Session> session_;
};

TEST_F(EngineOpTest, RunsNativelyWithoutAnEngineAndWarnsOnce) {
  Load(OnMiss::kNative);
  testing::internal::CaptureStderr();
  EXPECT_EQ(Value({1, 2}), 2.0f);
  EXPECT_EQ(Value({1, 2}), 2.0f);
  EXPECT_EQ(Value({1, 3}), 2.0f);
  const std::string text = testing::internal::GetCapturedStderr();
  const std::string warning = "tftrt: warning: ";
  const std::size_t first = text.find(warning);
  ASSERT_NE(first, std::string::npos) << text;
  EXPECT_EQ(text.find(warning, first + 1), std::string::npos) << text;
  EXPECT_NE(text.find("[1, 2]"), std::string::npos) << text;

  const EngineStats stats = record().Snapshot();
  EXPECT_EQ(stats.native_runs, 3u);
  EXPECT_EQ(stats.engine_runs, 0u);
  ASSERT_EQ(stats.shapes.size(), 2u);
  EXPECT_EQ(stats.shapes[0].shapes, (std::vector<Shape>{{1, 2}}));
  EXPECT_EQ(stats.shapes[0].native_runs, 2u);
  EXPECT_GT(stats.native_seconds, 0);
}

TEST_F(EngineOpTest, RunsTheEngineForShapesOfItsProfileOnly) {
  Load(OnMiss::kNative);
  EXPECT_EQ(Value({2, 2}), 2.0f);
  record().SetPlans(Plans({1, 2}, {4, 8}));
  EXPECT_EQ(Value({2, 2}), 101.0f);
  EXPECT_EQ(Value({4, 8}), 101.0f);
  testing::internal::CaptureStderr();
  EXPECT_EQ(Value({5, 8}), 2.0f);
  EXPECT_EQ(Value({4, 1}), 2.0f);
  testing::internal::GetCapturedStderr();
  const EngineStats stats = record().Snapshot();
  EXPECT_EQ(stats.engine_runs, 2u);
  EXPECT_EQ(stats.native_runs, 3u);
}

TEST_F(EngineOpTest, RefusesAMissIfAsked) {
  Load(OnMiss::kError);
  record().SetPlans(Plans({1, 2}, {4, 8}));
  EXPECT_EQ(Value({1, 2}), 101.0f);
  float first = 0;
  const absl::Status status = Run({5, 9}, &first);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  for (const char* part : {"[5, 9]", "[1, 2]..[4, 8]", "folder/model", "tftrt build", "TRTEngineOp_1"}) {
    EXPECT_NE(status.message().find(part), absl::string_view::npos) << part << " in " << status;
  }
  EXPECT_EQ(Value({4, 8}), 101.0f) << "a refusal must not cost the engine";
  EXPECT_EQ(record().Snapshot().refused, 1u);
}

// The stand-in builds nothing, as TensorFlow's kernel does where TensorRT fails: it runs, and leaves no engine.
TEST_F(EngineOpTest, TriesAFailedBuildOnce) {
  Load(OnMiss::kBuild);
  testing::internal::CaptureStderr();
  EXPECT_EQ(Value({2, 2}), 101.0f) << "through the kernel that builds";
  EXPECT_EQ(Value({2, 2}), 2.0f);
  EXPECT_EQ(Value({3, 3}), 2.0f) << "explicit batch: TF-TRT's profiles are final";
  EXPECT_NE(testing::internal::GetCapturedStderr().find("building an engine for [2, 2] in TRTEngineOp_1 failed"),
            std::string::npos);
  const EngineStats stats = record().Snapshot();
  EXPECT_EQ(stats.native_runs, 3u);
  EXPECT_EQ(stats.builds, 0u);
}

TEST_F(EngineOpTest, NeverBuildsBesideProfiles) {
  Load(OnMiss::kBuild);
  record().SetPlans(Plans({1, 2}, {4, 8}));
  EXPECT_EQ(Value({9, 9}), 2.0f);
  EXPECT_EQ(Value({1, 2}), 101.0f);
  EXPECT_EQ(record().Snapshot().builds, 0u);
}

// A build may have been given the plans of some engines, or have built one for another call.
TEST_F(EngineOpTest, BuildsWhereThereIsNoEngineOnly) {
  Load(OnMiss::kError);
  std::vector<std::string> built;
  table_->set_build_observer([&built](const std::string& engine) { built.push_back(engine); });
  table_->set_mode(EngineMode::kBuild);
  record().SetPlans(Plans({1, 2}, {4, 8}));
  EXPECT_EQ(Value({1, 2}), 101.0f);
  EXPECT_FALSE(has_segment);
  EXPECT_TRUE(built.empty());
  EXPECT_EQ(Value({9, 9}), 101.0f);
  EXPECT_TRUE(has_segment);
  EXPECT_EQ(built, (std::vector<std::string>{"TRTEngineOp_1"}));
}

TEST_F(EngineOpTest, CalibratesWhateverEngineThereIs) {
  Load(OnMiss::kError, /*calibrates=*/true);
  record().SetPlans(Plans({1, 2}, {4, 8}));
  table_->set_mode(EngineMode::kBuild);
  EXPECT_EQ(Value({1, 2}), 101.0f);
  EXPECT_TRUE(has_segment);
  table_->set_mode(EngineMode::kRun);
  EXPECT_EQ(Value({1, 2}), 101.0f);
  EXPECT_FALSE(has_segment);
}

TEST_F(EngineOpTest, CollectsEachOfManyShapes) {
  Load(OnMiss::kError);
  table_->set_mode(EngineMode::kCollect);
  const int shapes = static_cast<int>(EngineRecord::kMostShapes) + 3;
  for (int i = 1; i <= shapes; ++i) Value({1, i});
  const auto collected = table_->TakeCollected();
  ASSERT_EQ(collected.at("TRTEngineOp_1").size(), static_cast<std::size_t>(shapes));
  EXPECT_EQ(collected.at("TRTEngineOp_1").back().shapes, (std::vector<Shape>{{1, shapes}}));
}

TEST_F(EngineOpTest, CollectsShapesWhileItRunsNatively) {
  Load(OnMiss::kError);
  table_->set_mode(EngineMode::kCollect);
  EXPECT_EQ(Value({3, 5}), 2.0f);
  const auto collected = table_->TakeCollected();
  ASSERT_EQ(collected.size(), 1u);
  ASSERT_EQ(collected.at("TRTEngineOp_1").size(), 1u);
  EXPECT_EQ(collected.at("TRTEngineOp_1")[0].shapes, (std::vector<Shape>{{3, 5}}));
  EXPECT_EQ(collected.at("TRTEngineOp_1")[0].values, (std::vector<Shape>{{}}));
  EXPECT_TRUE(table_->TakeCollected().empty());
}

TEST_F(EngineOpTest, CountsExactlyFromManyThreads) {
  Load(OnMiss::kNative);
  record().SetPlans(Plans({1, 1}, {4, 4}));
  constexpr int kThreads = 8;
  constexpr int kCalls = 200;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < kCalls; ++i) {
        const Shape shape = {1 + (i + t) % 4, 1 + i % 4};
        EXPECT_EQ(Value(shape), 101.0f);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const EngineStats stats = record().Snapshot();
  EXPECT_EQ(stats.engine_runs, static_cast<std::uint64_t>(kThreads * kCalls));
  std::uint64_t sum = 0;
  for (const ShapeStats& shape : stats.shapes) sum += shape.engine_runs;
  EXPECT_EQ(sum, stats.engine_runs);
}

TEST_F(EngineOpTest, ManyShapesShareOneRecordInTheEnd) {
  Load(OnMiss::kNative);
  record().SetPlans(Plans({1, 1}, {1, 1 << 20}));
  const int shapes = static_cast<int>(EngineRecord::kMostShapes) + 10;
  for (int i = 1; i <= shapes; ++i) EXPECT_EQ(Value({1, i}), 101.0f);
  const EngineStats stats = record().Snapshot();
  EXPECT_EQ(stats.engine_runs, static_cast<std::uint64_t>(shapes));
  ASSERT_EQ(stats.shapes.size(), EngineRecord::kMostShapes + 1);
  EXPECT_TRUE(stats.shapes.back().shapes.empty());
  EXPECT_EQ(stats.shapes.back().engine_runs, 10u);
}

// TF-TRT builds from the segment, and knows no fused ops.
TEST_F(EngineOpTest, TheOptimiserLeavesProtectedSegmentsAlone) {
  constexpr char kSegment[] = R"(
    signature { name: "segment" input_arg { name: "x" type: DT_FLOAT } output_arg { name: "y" type: DT_FLOAT } }
    node_def { name: "w" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } }
      attr { key: "value" value { tensor {
        dtype: DT_FLOAT tensor_shape { dim { size: 2 } dim { size: 2 } } float_val: 1 } } } }
    node_def { name: "b" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } }
      attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: 2 } } float_val: 1 } } } }
    node_def { name: "product" op: "MatMul" input: "x" input: "w:output:0"
      attr { key: "T" value { type: DT_FLOAT } } }
    node_def { name: "sum" op: "BiasAdd" input: "product:product:0" input: "b:output:0"
      attr { key: "T" value { type: DT_FLOAT } } }
    node_def { name: "relu" op: "Relu" input: "sum:output:0" attr { key: "T" value { type: DT_FLOAT } } }
    ret { key: "y" value: "relu:activations:0" })";
  for (const bool protect : {false, true}) {
    table_ = EngineTable::Create("folder/model", OnMiss::kNative, /*warnings=*/true);
    record().SetPlans(Plans({1, 1}, {4, 4}));
    tensorflow::GraphDef graph;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(kGraph, &graph));
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(kSegment, graph.mutable_library()->mutable_function(0)));
    graph.mutable_node(1)->mutable_attr()->erase("_kernel");
    UseEngineOp(graph, *table_);
    // Only nodes of a known device are fused.
    for (auto& node : *graph.mutable_library()->mutable_function(0)->mutable_node_def()) {
      node.set_device("/job:localhost/replica:0/task:0/device:CPU:0");
    }
    if (protect) ProtectSegments(graph);
    tensorflow::SessionOptions options;
    options.config.mutable_graph_options()->mutable_rewrite_options()->set_min_graph_nodes(-1);
    session_.reset(tensorflow::NewSession(options));
    ASSERT_TRUE(session_->Create(graph).ok());
    EXPECT_EQ(Value({2, 2}), 101.0f);
    EXPECT_EQ(segment_ops.count("_FusedMatMul"), protect ? 0u : 1u) << "protect: " << protect;
    EXPECT_EQ(segment_ops.count("MatMul"), protect ? 1u : 0u) << "protect: " << protect;
  }
}

TEST_F(EngineOpTest, ResetSetsCountsToZero) {
  Load(OnMiss::kNative);
  record().SetPlans(Plans({1, 1}, {4, 4}));
  Value({2, 2});
  table_->Reset();
  EXPECT_EQ(record().Snapshot().engine_runs, 0u);
  EXPECT_TRUE(record().Snapshot().shapes.empty());
  Value({2, 2});
  EXPECT_EQ(record().Snapshot().engine_runs, 1u);
}

}  // namespace
}  // namespace tftrt
