// Engines inside a graph that TensorFlow runs, launched as CUDA graphs, on the fake GPU.

#include "direct/replayed_engine.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "fake_gpu.h"
#include "google/protobuf/text_format.h"
#include "kernels/engine_op.h"
#include "tensorflow/core/framework/op_kernel.h"

namespace tftrt {
namespace {

REGISTER_KERNEL_BUILDER(Name("TRTEngineOp").Device(tensorflow::DEVICE_CPU).Label(kEngineOpLabel), EngineOp);

// What goes into the engine and comes out of it are other tensors at each run.
constexpr char kGraph[] = R"(
  node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
  node { name: "twice" op: "AddV2" input: "x" input: "x" attr { key: "T" value { type: DT_FLOAT } } }
  node {
    name: "TRTEngineOp_1" op: "TRTEngineOp" input: "twice"
    attr { key: "serialized_segment" value { s: "" } }
    attr { key: "InT" value { list { type: DT_FLOAT } } }
    attr { key: "OutT" value { list { type: DT_FLOAT type: DT_FLOAT } } }
    attr { key: "input_shapes" value { list { shape { dim { size: -1 } dim { size: 3 } } } } }
    attr { key: "workspace_size_bytes" value { i: 1 } }
    attr { key: "precision_mode" value { s: "FP32" } }
    attr { key: "static_engine" value { b: false } }
    attr { key: "_use_implicit_batch" value { b: false } }
    attr { key: "_kernel" value { s: "tftrt" } }
  }
  node { name: "sums" op: "AddV2" input: "TRTEngineOp_1" input: "TRTEngineOp_1"
    attr { key: "T" value { type: DT_FLOAT } } }
  node { name: "incremented" op: "Identity" input: "TRTEngineOp_1:1" attr { key: "T" value { type: DT_FLOAT } } })";

class ReplayedEngineTest : public testing::Test {
 protected:
  ~ReplayedEngineTest() override {
    if (table_ != nullptr) record().set_replay(nullptr);
    GetFakeCuda().RefuseCaptures(false);
  }

  void Load(CudaGraphs cuda_graphs) {
    table_ = EngineTable::Create("folder/model", OnMiss::kError, /*warnings=*/true);
    tensorflow::GraphDef graph;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(kGraph, &graph));
    (*graph.mutable_node(2)->mutable_attr())[kEngineTableAttr].set_s(table_->id());
    ASSERT_TRUE(gpu_.session().Create(graph).ok());
    EnginePlans plans;
    EnginePlans::ProfileWithValues& profile = plans.profiles.emplace_back();
    profile.shapes = {{{1, 3}}, {{8, 3}}, {{8, 3}}};
    profile.min_values.resize(1);
    profile.max_values.resize(1);
    record().SetPlans(plans);
    record().set_replay(std::make_unique<ReplayedEngine>(gpu_.device(), MakeFakeSource(), FakeTypes(), cuda_graphs));
  }

  absl::Status Run(const std::vector<float>& x, std::vector<tensorflow::Tensor>* outputs) {
    tensorflow::Tensor input(tensorflow::DT_FLOAT, {static_cast<std::int64_t>(x.size()) / 3, 3});
    std::copy(x.begin(), x.end(), input.flat<float>().data());
    return gpu_.session().Run({{"x", input}}, {"sums", "incremented"}, {}, outputs);
  }

  void ExpectRight(std::int64_t rows, float seed) {
    const std::vector<float> x = Numbers(rows, seed);
    std::vector<float> twice = x;
    for (float& value : twice) value *= 2;
    std::vector<tensorflow::Tensor> outputs;
    const absl::Status status = Run(x, &outputs);
    ASSERT_TRUE(status.ok()) << status;
    const auto values = [](const tensorflow::Tensor& tensor) {
      const auto flat = tensor.flat<float>();
      return std::vector<float>(flat.data(), flat.data() + flat.size());
    };
    std::vector<float> sums = Sums(twice);
    for (float& value : sums) value *= 2;
    EXPECT_EQ(values(outputs[0]), sums);
    EXPECT_EQ(values(outputs[1]), Incremented(twice));
  }

  EngineRecord& record() { return table_->Get("TRTEngineOp_1"); }

  FakeGpu gpu_;
  std::shared_ptr<EngineTable> table_;
};

TEST_F(ReplayedEngineTest, IsLaunchedAsAGraphFromTheSecondRunOn) {
  Load(CudaGraphs::kAuto);
  const int launches = GetFakeCuda().GraphLaunches();
  ExpectRight(4, 1);
  EXPECT_EQ(GetFakeCuda().GraphLaunches(), launches);
  for (int run = 0; run < 5; ++run) ExpectRight(4, static_cast<float>(run));
  EXPECT_EQ(GetFakeCuda().GraphLaunches(), launches + 5);
  EXPECT_EQ(record().Snapshot().engine_runs, 6u);
}

TEST_F(ReplayedEngineTest, FollowsItsShapes) {
  Load(CudaGraphs::kOn);
  for (int run = 0; run < 40; ++run) ExpectRight(1 + run / 2 % 8, static_cast<float>(run));
}

TEST_F(ReplayedEngineTest, IsLaunchedAsAGraphAtOnceIfItIsWarm) {
  Load(CudaGraphs::kAuto);
  record().replay()->Warm(record().plans());
  EXPECT_EQ(record().Snapshot().engine_runs, 0u) << "no node runs";
  const int launches = GetFakeCuda().GraphLaunches();
  for (int run = 0; run < 3; ++run) ExpectRight(8, static_cast<float>(run));
  EXPECT_EQ(GetFakeCuda().GraphLaunches(), launches + 3);
  ExpectRight(3, 1);
}

TEST_F(ReplayedEngineTest, RunsWithoutGraphsWhereTheyAreRefused) {
  GetFakeCuda().RefuseCaptures(true);
  Load(CudaGraphs::kAuto);
  for (int run = 0; run < 4; ++run) ExpectRight(2, static_cast<float>(run));
}

TEST_F(ReplayedEngineTest, SaysSoIfAGraphIsAMust) {
  GetFakeCuda().RefuseCaptures(true);
  Load(CudaGraphs::kOn);
  std::vector<tensorflow::Tensor> outputs;
  EXPECT_EQ(Run(Numbers(2, 1), &outputs).code(), absl::StatusCode::kUnimplemented);
}

TEST_F(ReplayedEngineTest, IsRunFromManyThreads) {
  Load(CudaGraphs::kAuto);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      for (int run = 0; run < 50; ++run) ExpectRight(1 + (t + run / 5) % 8, static_cast<float>(100 * t + run));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(record().Snapshot().engine_runs, 400u);
}

}  // namespace
}  // namespace tftrt
