// Calls that an engine runs without TensorFlow's session, on the fake GPU.

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

#include "fake_gpu.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

using Floats = std::vector<float>;
using std::chrono::milliseconds;

class DirectCallableTest : public testing::Test {
 protected:
  DirectCallableTest() : objects_(GetFakeCuda().Objects()) {}
  ~DirectCallableTest() override {
    GetFakeCuda().Hold(false);
    GetFakeCuda().RefuseCaptures(false);
    EXPECT_EQ(GetFakeCuda().Objects(), objects_) << "graphs, streams, events, pinned memory";
  }

 private:
  const int objects_;
};

void ExpectRight(const std::vector<Tensor>& outputs, const Floats& x) {
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(ValuesOn(outputs[0]), Sums(x));
  EXPECT_EQ(ValuesOn(outputs[1]), Incremented(x));
}

RunTerms Within(milliseconds time) {
  RunTerms terms;
  terms.limits.deadline = std::chrono::steady_clock::now() + time;
  return terms;
}

TEST_F(DirectCallableTest, RunsShapesOfAllProfilesInAnyOrder) {
  for (const CudaGraphs cuda_graphs : {CudaGraphs::kAuto, CudaGraphs::kOn, CudaGraphs::kOff}) {
    FakeModel model(cuda_graphs);
    const int launches = GetFakeCuda().GraphLaunches();
    int calls = 0;
    for (const std::int64_t rows : {1, 1, 1, 5, 5, 5, 1, 4, 8, 4, 8, 3}) {
      const Floats x = Numbers(rows, static_cast<float>(++calls));
      ExpectRight(model.Run(FakeModel::Host(x)), x);
    }
    EXPECT_EQ(GetFakeCuda().GraphLaunches() > launches, cuda_graphs != CudaGraphs::kOff);
    EXPECT_EQ(model.record().Snapshot().engine_runs, 12u);
    EXPECT_EQ(model.record().Snapshot().native_runs, 0u);
  }
}

TEST_F(DirectCallableTest, LeavesOtherShapesToOthers) {
  const FakeModel model;
  EXPECT_THROW(model.Run(FakeModel::Host(Numbers(9, 0))), UnsupportedError);
  EXPECT_THROW(model.Run(Tensor::Empty(DType::kFloat32, {0, 3})), UnsupportedError);
}

TEST_F(DirectCallableTest, ReturnsTheOutputsAskedFor) {
  const FakeModel model(CudaGraphs::kAuto, 1, {1});
  const Floats x = Numbers(2, 5);
  for (int time = 0; time < 3; ++time) {
    const std::vector<Tensor> outputs = model.Run(FakeModel::Host(x));
    ASSERT_EQ(outputs.size(), 1u);
    EXPECT_EQ(ValuesOn(outputs[0]), Incremented(x));
  }
}

TEST_F(DirectCallableTest, ReadsAndWritesGpuMemory) {
  const FakeModel model;
  std::vector<std::pair<std::vector<Tensor>, Floats>> kept;
  for (const std::vector<bool>& on_gpu :
       {std::vector<bool>{true, false}, {false, true}, {true, true}, {false, false}}) {
    for (int time = 0; time < 3; ++time) {
      const Floats x = Numbers(3, static_cast<float>(kept.size()));
      RunTerms terms;
      terms.on_gpu = on_gpu;
      const std::vector<Tensor> outputs = model.Run(time == 1 ? FakeModel::Host(x) : model.OnGpu(x), terms);
      EXPECT_EQ(outputs[0].on_gpu(), on_gpu[0]);
      EXPECT_EQ(outputs[1].on_gpu(), on_gpu[1]);
      ExpectRight(outputs, x);
      kept.emplace_back(outputs, x);
    }
  }
  for (const auto& [outputs, x] : kept) ExpectRight(outputs, x);
}

TEST_F(DirectCallableTest, ChecksRunBesideTheEngine) {
  int runs = 0;
  FakeModel model(CudaGraphs::kAuto, 1, {0, 1}, MakeFakeChecks(&runs));
  const Floats right = Numbers(3, 0);
  const Floats wrong = Numbers(3, -1);
  const Tensor warm = FakeModel::Host(wrong);
  const Tensor* inputs[] = {&warm};
  model.callable().Warm(inputs);
  EXPECT_EQ(runs, 0) << "what an engine is warmed with is made up";
  const int launches = GetFakeCuda().GraphLaunches();
  for (int time = 0; time < 20; ++time) {
    const bool on_gpu = time % 2 == 1;
    const auto place = [&](const Floats& x) { return on_gpu ? model.OnGpu(x) : FakeModel::Host(x); };
    EXPECT_THROW(model.Run(place(wrong)), InvalidArgumentError);
    EXPECT_THROW(model.Run(place(wrong), Within(std::chrono::minutes(1))), InvalidArgumentError);
    ExpectRight(model.Run(place(right)), right);
    EXPECT_EQ(runs, 3 * (time + 1));
  }
  EXPECT_GE(GetFakeCuda().GraphLaunches(), launches + 20);
  EXPECT_EQ(model.record().Snapshot().native_runs, 0u);
}

TEST_F(DirectCallableTest, IsLaunchedAsAGraphAtOnceIfItsEngineIsWarm) {
  int runs = 0;
  FakeModel model(CudaGraphs::kAuto, 3, {0, 1}, MakeFakeChecks(&runs));
  model.engine().Warm();
  EXPECT_EQ(runs, 0) << "what an engine is warmed with is made up";
  EXPECT_EQ(model.record().Snapshot().engine_runs, 0u);
  // The profiles are tuned for 4 and 8 rows.
  const int launches = GetFakeCuda().GraphLaunches();
  for (const std::int64_t rows : {4, 8, 4, 8}) {
    const Floats x = Numbers(rows, 1);
    ExpectRight(model.Run(FakeModel::Host(x)), x);
  }
  EXPECT_EQ(GetFakeCuda().GraphLaunches(), launches + 4);
}

TEST_F(DirectCallableTest, GoesOnWithoutGraphsWhereTheyAreRefused) {
  GetFakeCuda().RefuseCaptures(true);
  const Floats x = Numbers(2, 1);
  const int launches = GetFakeCuda().GraphLaunches();
  {
    const FakeModel model;
    for (int time = 0; time < 4; ++time) ExpectRight(model.Run(FakeModel::Host(x)), x);
  }
  EXPECT_EQ(GetFakeCuda().GraphLaunches(), launches);
  const FakeModel model(CudaGraphs::kOn);
  EXPECT_THROW(model.Run(FakeModel::Host(x)), UnsupportedError);
  GetFakeCuda().RefuseCaptures(false);
}

TEST_F(DirectCallableTest, AGivenUpCallLeavesNothingBehind) {
  const FakeModel model;
  const Floats x = Numbers(4, 3);
  ExpectRight(model.Run(FakeModel::Host(x), Within(std::chrono::minutes(1))), x);
  GetFakeCuda().Hold(true);
  std::weak_ptr<void> kept;
  for (int call = 0; call < 20; ++call) {
    // More than there are staged runs: the last ones do not even get one.
    const Tensor input = FakeModel::Host(Numbers(4, 100));
    if (call == 0) kept = input.owner();
    EXPECT_THROW(model.Run(input, Within(milliseconds(2))), DeadlineExceededError);
  }
  EXPECT_FALSE(kept.expired()) << "the run may still read it";
  RunTerms cancelled;
  cancelled.limits.cancellation.emplace();
  std::thread canceller([&] {
    std::this_thread::sleep_for(milliseconds(20));
    cancelled.limits.cancellation->Cancel();
  });
  EXPECT_THROW(model.Run(FakeModel::Host(x), cancelled), CancelledError);
  canceller.join();
  GetFakeCuda().Hold(false);
  for (int call = 0; call < 20; ++call) {
    const Floats other = Numbers(4, static_cast<float>(call));
    ExpectRight(model.Run(FakeModel::Host(other)), other);
  }
  EXPECT_TRUE(kept.expired());
  const std::int64_t pinned = model.gpu().device().counters()->pinned;
  EXPECT_LE(pinned, 8 * (4 * 3 + 4 + 4 * 3) * 4) << "eight staged runs at most";
}

TEST_F(DirectCallableTest, GraphsFollowAWorkspaceThatMoves) {
  const FakeModel model;
  // The second profile needs a larger one.
  for (const std::int64_t rows : {2, 2, 2, 8, 8, 8, 2, 2, 8, 2}) {
    const Floats x = Numbers(rows, 1);
    ExpectRight(model.Run(FakeModel::Host(x)), x);
  }
}

TEST_F(DirectCallableTest, IsCalledFromManyThreads) {
  for (const int instances : {1, 3}) {
    FakeModel model(CudaGraphs::kAuto, instances);
    constexpr int kThreads = 8;
    constexpr int kCalls = 100;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&model, t] {
        for (int call = 0; call < kCalls; ++call) {
          const Floats x = Numbers(1 + (t + call / 10) % 8, static_cast<float>(100 * t + call));
          RunTerms terms;
          if (call % 3 == 0) terms.on_gpu = {call % 2 == 0, true};
          if (call % 5 == 0) terms.limits.deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
          ExpectRight(model.Run(call % 7 == 0 ? model.OnGpu(x) : FakeModel::Host(x), terms), x);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(model.record().Snapshot().engine_runs, static_cast<std::uint64_t>(kThreads * kCalls));
  }
}

TEST_F(DirectCallableTest, MemoryOfOthersGoesBackWhenTheyAreDone) {
  FakeModel model;
  const Floats x = Numbers(2, 3);
  RunTerms terms;
  terms.on_gpu = {true, true};
  Floats sums(2);
  {
    const std::vector<Tensor> outputs = model.Run(FakeModel::Host(x), terms);
    // Somebody reads it in the default stream, and lets go of it before that is done.
    GetCuda().MemcpyAsync(sums.data(), outputs[0].data(), sums.size() * sizeof(float), kCudaMemcpyDeviceToHost,
                          kCudaDefaultStream);
  }
  EXPECT_EQ(sums, Sums(x)) << "TensorFlow's stream, which is next to use it, waits for the default one";
}

TEST_F(DirectCallableTest, CountsItsMemory) {
  const FakeModel model;
  const MemoryCounters& counters = *model.gpu().device().counters();
  EXPECT_EQ(counters.pinned + counters.gpu_buffers + counters.gpu_workspaces + counters.graphs, 0);
  const Tensor x = FakeModel::Host(Numbers(4, 1));
  for (int time = 0; time < 3; ++time) model.Run(x);
  EXPECT_GE(counters.pinned, static_cast<std::int64_t>(x.num_bytes()));
  EXPECT_GE(counters.gpu_buffers, static_cast<std::int64_t>(x.num_bytes()));
  EXPECT_GE(counters.gpu_workspaces, 4096);
  EXPECT_EQ(counters.graphs, 1);
  const std::int64_t before = counters.gpu_buffers;
  {
    const Tensor held = model.gpu().device().AllocateZeros(DType::kFloat32, {8, 3});
    EXPECT_GE(counters.gpu_buffers - before, static_cast<std::int64_t>(held.num_bytes()));
  }
  EXPECT_EQ(counters.gpu_buffers, before);
}

}  // namespace
}  // namespace tftrt
