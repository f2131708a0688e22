// Calls with a deadline, calls that are cancelled, and calls in another thread.

#include "tftrt/call.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "models.h"
#include "testing.h"
#include "tftrt/environment.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Takes seconds, which no test waits for unless it has to.
constexpr std::int32_t kForLong = 1500000;

Tensor Steps(std::int32_t steps) { return Tensor::From<std::int32_t>({steps}, {}); }
Tensor Row(float x) { return Tensor::From<float>({x, x, x, x}, {1, 4}); }

CallOptions Within(milliseconds time) {
  CallOptions options;
  options.deadline = Clock::now() + time;
  return options;
}

TEST(Call, InTimeReturnsWhatWasAskedFor) {
  const Model model = LoadOnCpu("several");
  CallOptions options = Within(std::chrono::seconds(60));
  options.cancellation.emplace();
  options.outputs = {"sum"};
  const NamedTensors inputs = {{"a", Tensor::From<float>({6, 8}, {1, 2})}, {"b", Tensor::From<float>({2, 4}, {1, 2})}};
  const std::vector<Tensor> outputs = model.Run(inputs, options);
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(ValuesOf<float>(outputs[0]), (std::vector<float>{8, 12}));
  EXPECT_EQ(model.Stats().calls, 1u);
  EXPECT_EQ(model.Stats().errors, 0u);
}

TEST(Call, IsGivenUpAtItsDeadline) {
  Model model = LoadOnCpu("slow");
  const auto begin = Clock::now();
  EXPECT_THROW(model.Run({{"n", Steps(kForLong)}}, Within(milliseconds(300))), DeadlineExceededError);
  const auto waited = Clock::now() - begin;
  model.Close();
  EXPECT_GE(waited, milliseconds(300));
  EXPECT_LT(waited, (Clock::now() - begin) / 2) << "the call should not have waited for the run";
  // Counted in the thread that made it.
  while (model.Stats().calls == 0) std::this_thread::yield();
  EXPECT_EQ(model.Stats().errors, 1u);
}

TEST(Call, ThatIsLateAlreadyNeverRuns) {
  const Model model = LoadOnCpu("slow");
  EXPECT_THROW(model.Run({{"n", Steps(kForLong)}}, Within(milliseconds(-1))), DeadlineExceededError);
  EXPECT_EQ(model.Stats().errors, 1u);
}

TEST(Call, IsGivenUpWhenItIsCancelled) {
  Model model = LoadOnCpu("slow");
  CallOptions options;
  const Cancellation cancellation;
  options.cancellation = cancellation;
  std::thread canceller([cancellation] {
    std::this_thread::sleep_for(milliseconds(300));
    cancellation.Cancel();
  });
  const auto begin = Clock::now();
  EXPECT_THROW(model.Run({{"n", Steps(kForLong)}}, options), CancelledError);
  const auto waited = Clock::now() - begin;
  canceller.join();
  EXPECT_TRUE(options.cancellation->cancelled());
  EXPECT_THROW(model.Run({{"n", Steps(1)}}, options), CancelledError);
  model.Close();
  EXPECT_LT(waited, (Clock::now() - begin) / 2) << "the call should not have waited for the run";
}

TEST(Call, KeepsItsInputsUntilItIsOver) {
  Model model = LoadOnCpu("slow");
  const auto steps = std::make_shared<std::vector<std::int32_t>>(1, kForLong);
  const std::weak_ptr<void> watched = steps;
  NamedTensors inputs = {{"n", Tensor::Borrow(steps->data(), DType::kInt32, {}, steps)}};
  std::shared_ptr<std::vector<std::int32_t>>(steps).reset();
  EXPECT_THROW(model.Run(inputs, Within(milliseconds(300))), DeadlineExceededError);
  inputs.clear();
  EXPECT_GT(watched.use_count(), 1) << "the run goes on";
  model.Close();
}

TEST(RunAsync, MakesCallsInThreadsOfTheModels) {
  const Model model = LoadOnCpu("add");
  std::vector<std::future<std::vector<Tensor>>> futures;
  for (int i = 0; i < 100; ++i) futures.push_back(model.RunAsync({{"x", Row(static_cast<float>(i))}}));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(ValuesOf<float>(futures[static_cast<std::size_t>(i)].get()[0]),
              std::vector<float>(4, static_cast<float>(i + 1)));
  }
  EXPECT_EQ(model.Stats().calls, 100u);
}

TEST(RunAsync, FailsAtOnceOrInTheFuture) {
  Model model = LoadOnCpu("several");
  EXPECT_THROW(model.RunAsync({{"a", Row(1)}}), InvalidArgumentError);
  const NamedTensors zeros = {{"a", Tensor::From<float>({1, 1}, {1, 2})}, {"b", Tensor::From<float>({0, 0}, {1, 2})}};
  EXPECT_THROW(model.RunAsync(zeros).get(), InvalidArgumentError);  // the quotient refuses zeros
  CallOptions cancelled;
  cancelled.cancellation.emplace();
  cancelled.cancellation->Cancel();
  EXPECT_THROW(model.RunAsync(zeros, cancelled).get(), CancelledError);
  EXPECT_EQ(model.Stats().errors, 3u);
  model.Close();
  EXPECT_THROW(model.RunAsync(zeros), InvalidArgumentError);
}

TEST(RunAsync, CallsBackWithWhatWasThrown) {
  const Model model = LoadOnCpu("add");
  std::promise<std::exception_ptr> promise;
  CallOptions options;
  options.on_gpu = {model.outputs()[0].name};
  model.RunAsync({{"x", Row(1)}}, options, [&](std::vector<Tensor> outputs, std::exception_ptr error) {
    EXPECT_TRUE(outputs.empty());
    promise.set_value(error);
  });
  const std::exception_ptr error = promise.get_future().get();
  EXPECT_THROW(std::rethrow_exception(error), UnsupportedError);
}

TEST(RunAsync, KeepsTheModelUntilItIsOver) {
  for (int i = 0; i < 20; ++i) {
    std::future<std::vector<Tensor>> future = LoadOnCpu("add").RunAsync({{"x", Row(1)}});
    EXPECT_EQ(ValuesOf<float>(future.get()[0]), std::vector<float>(4, 2));
  }
}

TEST(RunAsync, ClosingTurnsAwayWhatHasNotBegun) {
  ModelOptions options;
  options.intra_op_threads = 1;
  Model model = LoadOnCpu("slow", options);
  std::vector<std::future<std::vector<Tensor>>> futures;
  for (int i = 0; i < 300; ++i) futures.push_back(model.RunAsync({{"n", Steps(20000)}}));
  futures.front().wait();
  model.Close();
  int answered = 0;
  for (auto& future : futures) {
    try {
      EXPECT_EQ(ValuesOf<std::int32_t>(future.get()[0]), std::vector<std::int32_t>{20000});
      ++answered;
    } catch (const InvalidArgumentError& error) {
      ExpectContains(error.what(), "is closed");
    }
  }
  EXPECT_GE(answered, 1);
  EXPECT_LT(answered, 300);
}

TEST(RunAsync, TurnsAwayWhatIsTooMuch) {
  ModelOptions options;
  options.max_queued_calls = 3;
  Model model = LoadOnCpu("slow", options);
  std::vector<std::future<std::vector<Tensor>>> futures;
  bool refused = false;
  while (!refused && futures.size() < 1000) {
    try {
      futures.push_back(model.RunAsync({{"n", Steps(50000)}}));
    } catch (const ResourceExhaustedError& error) {
      ExpectContains(error.what(), "3 calls waiting already");
      refused = true;
    }
  }
  EXPECT_TRUE(refused);
  EXPECT_GE(futures.size(), 4u);
  for (auto& future : futures) future.get();
  EXPECT_NO_THROW(model.RunAsync({{"n", Steps(1)}}).get());
}

TEST(RunAsync, WhatIsGivenUpMakesRoomAndEndsInAThreadOfTheModels) {
  ModelOptions options;
  options.max_queued_calls = 3;
  const Model model = LoadOnCpu("slow", options);
  std::mutex mutex;
  std::vector<std::thread::id> threads;
  int cancelled = 0;
  const auto done = [&](const std::vector<Tensor>&, const std::exception_ptr& error) {
    const std::lock_guard lock(mutex);
    threads.push_back(std::this_thread::get_id());
    cancelled += error != nullptr;
  };
  CallOptions cancellable;
  cancellable.cancellation.emplace();
  std::size_t calls = 0;
  const auto submit = [&](const CallOptions& call) {
    // The caller's own lock, which what ends calls wants too.
    const std::lock_guard lock(mutex);
    try {
      model.RunAsync({{"n", Steps(50000)}}, call, done);
      ++calls;
      return true;
    } catch (const ResourceExhaustedError&) {
      return false;
    }
  };
  while (submit(cancellable)) ASSERT_LT(calls, 1000u);
  cancellable.cancellation->Cancel();
  EXPECT_TRUE(submit({}));
  WaitForQueuedCalls();
  EXPECT_EQ(threads.size(), calls);
  EXPECT_GE(cancelled, 3);
  EXPECT_EQ(std::count(threads.begin(), threads.end(), std::this_thread::get_id()), 0);
}

TEST(Memory, IsReportedWhileTheModelIsOpen) {
  Model model = LoadOnCpu("add");
  const ModelMemory memory = model.Memory();
  EXPECT_EQ(memory.gpu_model + memory.gpu_buffers + memory.gpu_workspaces + memory.host_pinned + memory.plans, 0u);
  model.Close();
  EXPECT_THROW(model.Memory(), InvalidArgumentError);
}

}  // namespace
}  // namespace tftrt
