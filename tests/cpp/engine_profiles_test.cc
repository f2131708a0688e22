// The profiles that engines are built for: TF-TRT's own arithmetic, and what requests they accept.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engines/engine_plans.h"
#include "engines/tf_trt.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

// The table of the TF-TRT user guide: shapes [8, 128] and [4, 384].
WantedProfiles GuideShapes(const std::string& strategy) {
  WantedProfiles wanted;
  wanted.strategy = strategy;
  wanted.fixed = {{{{8, 128}}, {{}}}, {{{4, 384}}, {{}}}};
  return wanted;
}

EnginePlans PlansOf(const WantedProfiles& wanted) {
  EnginePlans plans;
  plans.profiles = GetTfTrt().MakeProfiles(wanted, {tensorflow::PartialTensorShape({-1, -1})});
  return plans;
}

std::vector<std::string> Texts(const EnginePlans& plans) {
  std::vector<std::string> texts;
  for (const auto& profile : plans.profiles) texts.push_back(ToString(profile.shapes));
  return texts;
}

using Strings = std::vector<std::string>;

TEST(EngineProfiles, RangeSpansAllShapes) {
  const EnginePlans plans = PlansOf(GuideShapes("Range"));
  EXPECT_EQ(Texts(plans), Strings({"[4, 128]..[8, 384]"}));
  EXPECT_EQ(plans.profiles[0].shapes.opt, (std::vector<Shape>{{8, 384}}))
      << "TF-TRT tunes Range for its largest shapes";
  for (const Shape& shape : std::vector<Shape>{{4, 128}, {8, 384}, {6, 200}, {8, 128}})
    EXPECT_TRUE(plans.Accept({shape}));
  for (const Shape& shape : std::vector<Shape>{{3, 128}, {9, 128}, {4, 127}, {8, 385}})
    EXPECT_FALSE(plans.Accept({shape}));
}

TEST(EngineProfiles, OptimalTakesTheShapesExactly) {
  const EnginePlans plans = PlansOf(GuideShapes("Optimal"));
  EXPECT_EQ(Texts(plans), Strings({"[8, 128]", "[4, 384]"}));
  EXPECT_TRUE(plans.Accept({{8, 128}}));
  EXPECT_TRUE(plans.Accept({{4, 384}}));
  for (const Shape& shape : std::vector<Shape>{{8, 384}, {4, 128}, {7, 128}, {4, 383}})
    EXPECT_FALSE(plans.Accept({shape}));
}

TEST(EngineProfiles, RangeOptimalHasAllThree) {
  const EnginePlans plans = PlansOf(GuideShapes("Range+Optimal"));
  EXPECT_EQ(Texts(plans), Strings({"[8, 128]", "[4, 384]", "[4, 128]..[8, 384]"}));
  EXPECT_TRUE(plans.Accept({{5, 300}}));
  EXPECT_FALSE(plans.Accept({{1, 128}}));
}

TEST(EngineProfiles, ImplicitBatchModeCompatibleTakesSmallerBatches) {
  const EnginePlans plans = PlansOf(GuideShapes("ImplicitBatchModeCompatible"));
  EXPECT_EQ(Texts(plans), Strings({"[1, 128]..[8, 128]", "[1, 384]..[4, 384]"}));
  EXPECT_TRUE(plans.Accept({{1, 128}}));
  EXPECT_TRUE(plans.Accept({{4, 384}}));
  for (const Shape& shape : std::vector<Shape>{{5, 384}, {9, 128}, {1, 200}}) EXPECT_FALSE(plans.Accept({shape}));
}

TEST(EngineProfiles, EqualShapesCountOnce) {
  WantedProfiles wanted = GuideShapes("Optimal");
  wanted.fixed.push_back(wanted.fixed.front());
  EXPECT_EQ(PlansOf(wanted).profiles.size(), 2u);
}

TEST(EngineProfiles, AnExplicitRangeKeepsItsOptimum) {
  WantedProfiles wanted;
  wanted.ranges = {{{{{1, 16}}, {{}}}, {{{8, 128}}, {{}}}, {{{32, 512}}, {{}}}}};
  const EnginePlans plans = PlansOf(wanted);
  EXPECT_EQ(Texts(plans), Strings({"[1, 16]..[32, 512]"}));
  EXPECT_EQ(plans.profiles[0].shapes.opt, (std::vector<Shape>{{8, 128}}));
}

TEST(EngineProfiles, AnExplicitRangeComesAfterTheShapes) {
  WantedProfiles wanted = GuideShapes("Optimal");
  wanted.ranges = {{{{{1, 1}}, {{}}}, {{{2, 2}}, {{}}}, {{{3, 3}}, {{}}}}};
  EXPECT_EQ(Texts(PlansOf(wanted)), Strings({"[8, 128]", "[4, 384]", "[1, 1]..[3, 3]"}));
}

TEST(EngineProfiles, FixedDimensionsStayTheGraphs) {
  WantedProfiles wanted;
  wanted.strategy = "Range";
  wanted.fixed = {{{{1, 7, 3}}, {{}}}, {{{4, 9, 3}}, {{}}}};
  EnginePlans plans;
  plans.profiles = GetTfTrt().MakeProfiles(wanted, {tensorflow::PartialTensorShape({-1, -1, 3})});
  EXPECT_EQ(Texts(plans), Strings({"[1, 7, 3]..[4, 9, 3]"}));
}

TEST(EngineProfiles, ValuesOfShapeInputsHaveBoundsToo) {
  WantedProfiles wanted;
  wanted.strategy = "Range";
  wanted.fixed = {{{{1, 4}, {2}}, {{}, {1, 4}}}, {{{8, 4}, {2}}, {{}, {8, 4}}}};
  EnginePlans plans;
  plans.profiles =
      GetTfTrt().MakeProfiles(wanted, {tensorflow::PartialTensorShape({-1, 4}), tensorflow::PartialTensorShape({2})});
  plans.shape_inputs = {1};
  ASSERT_EQ(plans.profiles.size(), 1u);
  EXPECT_EQ(plans.profiles[0].min_values[1], (Shape{1, 4}));
  EXPECT_EQ(plans.profiles[0].max_values[1], (Shape{8, 4}));
  const std::vector<Shape> inside = {{3, 4}};
  const std::vector<Shape> outside = {{9, 4}};
  EXPECT_TRUE(plans.Accept({{3, 4}, {2}}, &inside));
  EXPECT_FALSE(plans.Accept({{3, 4}, {2}}, &outside));
}

TEST(EngineProfiles, VectorsWhoseLengthChangesAreData) {
  for (const std::string strategy : {"Range", "Optimal", "Range+Optimal", "ImplicitBatchModeCompatible"}) {
    WantedProfiles wanted;
    wanted.strategy = strategy;
    // Of nine values none are collected.
    wanted.fixed = {{{{3, 4}, {3}}, {{}, {5, 6, 7}}}, {{{2, 4}, {2}}, {{}, {1, 4}}}, {{{9, 4}, {9}}, {{}, {}}}};
    wanted.ranges = {{{{{1, 4}, {1}}, {{}, {1}}}, {{{2, 4}, {2}}, {{}, {1, 2}}}, {{{9, 4}, {9}}, {{}, {}}}}};
    EnginePlans plans;
    plans.profiles = GetTfTrt().MakeProfiles(
        wanted, {tensorflow::PartialTensorShape({-1, 4}), tensorflow::PartialTensorShape({-1})});
    EXPECT_TRUE(plans.Accept({{3, 4}, {3}})) << strategy;
    EXPECT_TRUE(plans.Accept({{9, 4}, {9}})) << strategy;
    for (const auto& profile : plans.profiles) {
      EXPECT_EQ(profile.min_values[1], Shape()) << strategy;
      EXPECT_EQ(profile.max_values[1], Shape()) << strategy;
    }
  }
}

TEST(EngineProfiles, ACalibrationMakesNoProfilesAndKnowsData) {
  WantedProfiles wanted;
  wanted.fixed = {{{{4, 2}, {4}}, {{}, {1, 2, 3, 4}}}};
  const auto profiles_of = [](const WantedProfiles& all) {
    return GetTfTrt().MakeProfiles(all,
                                   {tensorflow::PartialTensorShape({-1, 2}), tensorflow::PartialTensorShape({-1})});
  };
  EXPECT_EQ(profiles_of(wanted)[0].min_values[1], (Shape{1, 2, 3, 4})) << "it may be a shape";
  wanted.calibration = {{{{32, 2}, {32}}, {{}, {}}}};
  const auto profiles = profiles_of(wanted);
  ASSERT_EQ(profiles.size(), 1u);
  EXPECT_EQ(ToString(profiles[0].shapes), "[4, 2], [4]");
  EXPECT_EQ(profiles[0].min_values[1], Shape());
}

TEST(EngineProfiles, NoShapesAreAnError) { EXPECT_THROW(PlansOf({}), InternalError); }

TEST(EngineProfiles, AnUnknownStrategyIsAnError) { EXPECT_THROW(PlansOf(GuideShapes("range")), InvalidArgumentError); }

TEST(EngineProfiles, AChangingRankIsAnError) {
  WantedProfiles wanted = GuideShapes("Range");
  wanted.fixed.push_back({{{1, 2, 3}}, {{}}});
  EXPECT_THROW(PlansOf(wanted), InvalidArgumentError);
}

TEST(EngineProfiles, ImplicitBatchEnginesTakeSmallerBatches) {
  EnginePlans plans;
  plans.implicit_batch = true;
  plans.static_shapes = {{{8, 3}, {8, 5}}};
  EXPECT_TRUE(plans.Accept({{8, 3}, {8, 5}}));
  EXPECT_TRUE(plans.Accept({{1, 3}, {1, 5}}));
  EXPECT_FALSE(plans.Accept({{1, 3}, {2, 5}})) << "batches differ";
  EXPECT_FALSE(plans.Accept({{9, 3}, {9, 5}}));
  EXPECT_FALSE(plans.Accept({{8, 4}, {8, 5}}));
  EXPECT_FALSE(plans.Accept({{8, 3}}));
  EXPECT_FALSE(plans.Accept({{}, {}}));
}

}  // namespace
}  // namespace tftrt
