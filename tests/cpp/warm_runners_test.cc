// examples/cpp/service: what workers get of a new version before it serves.

#include "warm_runners.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models.h"
#include "tftrt/model.h"

namespace tftrt {
namespace {

using service::kMostShapes;
using service::Runners;
using service::Shapes;
using service::WarmRunners;

constexpr int kWorkers = 3;

Shapes Rows(std::int64_t rows) { return {{rows, 2}}; }

TEST(WarmRunners, EachWorkerHasCallsOfTheVersionThatHaveRun) {
  const Model model = LoadSignature("several", "pass");
  WarmRunners warm(kWorkers);
  warm.Remember(Rows(4));
  warm.Remember(Rows(2));
  warm.Remember(Rows(4));
  warm.Prepare(model);
  for (int worker = 0; worker < kWorkers; ++worker) {
    Runners runners = warm.Take(model);
    ASSERT_EQ(runners.size(), 2u);
    Runner& runner = runners.at(Rows(2));
    ASSERT_TRUE(runner.output("same").valid());
    EXPECT_EQ(runner.output("same").shape(), (Shape{2, 2}));
    for (std::size_t i = 0; i < 4; ++i) runner.input("any").data<float>()[i] = static_cast<float>(i);
    runner.Run();
    EXPECT_EQ(ValuesOf<float>(runner.output("same")), (std::vector<float>{0, 1, 2, 3}));
  }
  EXPECT_TRUE(warm.Take(model).empty());
}

TEST(WarmRunners, AreOfThatVersionOnly) {
  const Model old = LoadSignature("several", "pass");
  const Model next = LoadSignature("several", "pass");
  WarmRunners warm(1);
  warm.Remember(Rows(4));
  warm.Prepare(old);
  warm.Prepare(next);
  EXPECT_TRUE(warm.Take(old).empty());
  EXPECT_EQ(warm.Take(next).size(), 1u);
}

TEST(WarmRunners, ShapesThatTheVersionDoesNotTakeAreLeftOut) {
  const Model model = LoadSignature("several", "pass");
  WarmRunners warm(1);
  warm.Remember(Rows(4));
  warm.Remember({{-3}});
  warm.Prepare(model);
  const Runners runners = warm.Take(model);
  EXPECT_EQ(runners.size(), 1u);
  EXPECT_EQ(runners.count(Rows(4)), 1u);
}

TEST(WarmRunners, ModelsThatCannotComputeZerosGetNone) {
  const Model divides = LoadOnCpu("several");
  WarmRunners warm(1);
  warm.Remember({{1, 2}, {1, 2}});
  warm.Prepare(divides);
  EXPECT_TRUE(warm.Take(divides).empty());
}

TEST(WarmRunners, OnlyTheLastShapesAreKept) {
  const Model model = LoadSignature("several", "pass");
  WarmRunners warm(1);
  for (std::size_t i = 0; i < kMostShapes + 5; ++i) warm.Remember(Rows(static_cast<std::int64_t>(i) + 1));
  warm.Prepare(model);
  const Runners runners = warm.Take(model);
  EXPECT_EQ(runners.size(), kMostShapes);
  EXPECT_EQ(runners.count(Rows(5)), 0u);
  EXPECT_EQ(runners.count(Rows(6)), 1u);
  warm.Remember(Rows(6));
  warm.Remember(Rows(100));
  warm.Prepare(model);
  const Runners later = warm.Take(model);
  EXPECT_EQ(later.size(), kMostShapes);
  EXPECT_EQ(later.count(Rows(6)), 1u);
  EXPECT_EQ(later.count(Rows(7)), 0u);
}

}  // namespace
}  // namespace tftrt
