// Copies, Close, threads and forks.

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "models.h"
#include "testing.h"
#include "tftrt/error.h"
#include "tftrt/model.h"

namespace tftrt {
namespace {

constexpr int kThreads = 8;
constexpr int kCalls = 1000;

std::int64_t Count(const Model& model) { return model.Run({})[0].data<std::int64_t>()[0]; }

template <typename Function>
void InThreads(Function function) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(function, i);
  for (std::thread& thread : threads) thread.join();
}

TEST(Copies, ShareOneSession) {
  const Model model = LoadSignature("several", "count");
  const Model copy = model;
  const Model other_signature = model.WithSignature("greet");
  EXPECT_EQ(Count(model), 11);
  EXPECT_EQ(Count(copy), 12);
  EXPECT_EQ(Count(other_signature.WithSignature("count")), 13);
  EXPECT_EQ(&copy.info(), &model.info());
}

TEST(Copies, OutliveTheFirst) {
  std::optional<Model> model = LoadOnCpu("add");
  const Model copy = *model;
  model.reset();
  ExpectAddWorks(copy);
}

TEST(Copies, OtherSignaturesMustExist) {
  const Model model = LoadOnCpu("several");
  ExpectContains(MessageOf<InvalidArgumentError>([&] { static_cast<void>(model.WithSignature("none")); }),
                 "no signature \"none\"");
  EXPECT_THROW(static_cast<void>(model.WithSignature("sparse")), UnsupportedError);
}

TEST(Copies, OutputsOutliveTheModel) {
  std::vector<Tensor> outputs;
  {
    const Model model = LoadOnCpu("engine");
    outputs = model.Run({{"x", Tensor::From<float>({1, 2, 3, 4}, {1, 4})}});
  }
  EXPECT_EQ(ValuesOf<float>(outputs[0]), (std::vector<float>{2, 4, 6, 8}));
}

TEST(Close, EndsEveryCopy) {
  Model model = LoadOnCpu("several");
  const Model copy = model;
  const Model counter = model.WithSignature("count");
  model.Close();
  for (const Model& each : {model, copy, counter}) {
    EXPECT_TRUE(each.closed());
    EXPECT_EQ(each.info().path, ModelPath("several"));
    EXPECT_FALSE(each.outputs().empty());
  }
  const std::string message = MessageOf<InvalidArgumentError>([&] { counter.Run({}); });
  ExpectContains(message, ModelPath("several"));
  ExpectContains(message, "is closed");
  EXPECT_THROW(counter.RunOrdered({}), InvalidArgumentError);
  EXPECT_THROW(counter.Run({}, {"count"}), InvalidArgumentError);
  EXPECT_THROW(static_cast<void>(copy.WithSignature("greet")), InvalidArgumentError);
  model.Close();
}

TEST(Close, LeavesOtherLoadsOfTheModelAlone) {
  Model first = LoadOnCpu("add");
  const Model second = LoadOnCpu("add");
  first.Close();
  EXPECT_FALSE(second.closed());
  ExpectAddWorks(second);
}

TEST(Close, WaitsForTheCallsUnderWay) {
  using Clock = std::chrono::steady_clock;
  constexpr std::int32_t kSteps = 300000;
  Model model = LoadOnCpu("slow");
  const auto count = [&] {
    return model.Run({{"n", Tensor::From<std::int32_t>({kSteps}, {})}})[0].data<std::int32_t>()[0];
  };
  const auto begin = Clock::now();
  count();
  const auto duration = Clock::now() - begin;

  std::int32_t counted = 0;
  std::thread caller([&] { counted = count(); });
  std::this_thread::sleep_for(duration / 4);
  const auto close_begin = Clock::now();
  model.Close();
  EXPECT_GT(Clock::now() - close_begin, duration / 4);
  caller.join();
  EXPECT_EQ(counted, kSteps);
}

TEST(Close, CallsOfOtherThreadsSucceedOrSayThatItIsClosed) {
  Model model = LoadOnCpu("add");
  std::atomic<int> calls = 0;
  std::thread closer([&] {
    while (calls < kCalls) std::this_thread::yield();
    model.Close();
  });
  InThreads([&](int thread) {
    try {
      for (;;) {
        ExpectAddWorks(model, static_cast<float>(thread));
        ++calls;
      }
    } catch (const InvalidArgumentError& error) {
      ExpectContains(error.what(), "is closed");
    }
  });
  closer.join();
  EXPECT_TRUE(model.closed());
}

class Threads : public testing::TestWithParam<const char*> {};

TEST_P(Threads, EachGetsItsOwnResults) {
  ModelOptions options;
  options.executor = GetParam();
  const Model model = LoadOnCpu("several", options);
  std::atomic<int> wrong = 0;
  InThreads([&](int thread) {
    for (int call = 0; call < kCalls; ++call) {
      const auto value = static_cast<float>(thread * kCalls + call + 1);
      const NamedTensors inputs = {{"a", Tensor::From<float>({value, value}, {1, 2})},
                                   {"b", Tensor::From<float>({1, 2}, {1, 2})}};
      const std::vector<Tensor> all = model.Run(inputs);
      wrong += all[0].data<float>()[1] != value - 2 || all[1].data<float>()[1] != value / 2;
      wrong += model.Run(inputs, {"sum"})[0].data<float>()[0] != value + 1;
    }
  });
  EXPECT_EQ(wrong, 0);
}

INSTANTIATE_TEST_SUITE_P(All, Threads, testing::Values("single", "parallel"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Threads, EngineIsShared) {
  const Model model = LoadOnCpu("engine");
  std::atomic<int> wrong = 0;
  InThreads([&](int thread) {
    for (int call = 0; call < kCalls; ++call) {
      const auto value = static_cast<float>(thread * kCalls + call);
      const Tensor x = Tensor::From<float>({value, value, value, value}, {1, 4});
      wrong += model.RunOrdered({x})[0].data<float>()[3] != 2 * value;
    }
  });
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, CountEveryCallOfAVariable) {
  const Model model = LoadSignature("several", "count");
  InThreads([&](int) {
    for (int call = 0; call < kCalls; ++call) Count(model);
  });
  EXPECT_EQ(Count(model), 10 + kThreads * kCalls + 1);
}

TEST(Threads, LoadAndPrepareAtOnce) {
  const Model shared = LoadOnCpu("several");
  InThreads([&](int) {
    ExpectAddWorks(LoadOnCpu("add"));
    EXPECT_EQ(shared.WithSignature("greet").Run({{"name", Tensor::Strings({"you"}, {1})}})[0].strings()[0],
              "hello you");
  });
}

TEST(Fork, LoadedModelSaysSoInAChild) {
  Model model = LoadOnCpu("add");
  InChild([&] {
    const Tensor x = Tensor::From<float>({1, 2, 3, 4}, {1, 4});
    const std::string message = MessageOf<IncompatibleError>([&] { model.Run({{"x", x}}); });
    ExpectContains(message, "forked");
    ExpectContains(message, "Load the model in the child");
    EXPECT_THROW(model.RunOrdered({x}), IncompatibleError);
    EXPECT_THROW(static_cast<void>(model.WithSignature("serving_default")), IncompatibleError);
    EXPECT_EQ(model.inputs().size(), 1u);
  });
  ExpectAddWorks(model);
}

TEST(Fork, ModelsCannotBeLoadedInAChildAfterALoad) {
  LoadOnCpu("add");
  InChild([] { ExpectContains(MessageOf<IncompatibleError>([] { LoadOnCpu("wide"); }), "forked"); });
}

TEST(Fork, ModelsCanBeInspectedInAChildAfterALoad) {
  LoadOnCpu("add");
  InChild([] { EXPECT_EQ(InspectSavedModel(ModelPath("wide")).signatures.size(), 1u); });
}

TEST(Fork, ModelsCanBeFreedAndClosedInAChild) {
  std::optional<Model> freed = LoadOnCpu("wide");
  Model closed = LoadOnCpu("wide");
  InChild([&] {
    freed.reset();
    closed.Close();
    EXPECT_TRUE(closed.closed());
  });
  closed.Close();
}

TEST(Fork, ChildLoadsIfItsParentDidNot) {
  InChild([] { ExpectAddWorks(LoadOnCpu("add")); });
}

}  // namespace
}  // namespace tftrt
