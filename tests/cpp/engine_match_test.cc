// Whether engines that were built before can run here.

#include "runtime/engine_match.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "engines/engine_table.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

namespace fs = std::filesystem;

constexpr char kFile[] = "assets/trt-serialized-engine.E";
// Of the file's content, "plan".
constexpr char kSum[] = "64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525";

class EngineMatchTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(path_);
    fs::create_directories(path_ / "assets");
    Write("plan");
  }

  void TearDown() override { fs::remove_all(path_); }

  void Write(const std::string& content) const { std::ofstream(path_ / kFile) << content; }

  static std::string Manifest(const std::string& sum) {
    return std::string(R"({"files": [{"path": ")") + kFile + R"(", "bytes": 4, "sha256": ")" + sum + R"("}],)" +
           R"("build": {"format_version": 1, "gpu": {"name": "GPU A", "compute_capability": "9.0"},
              "tensorrt": "8.6.0", "profile_strategy": "Optimal", "requests": [
                {"signature": "s", "role": "fixed", "shapes": {"x": [1, 2]}},
                {"signature": "s", "role": "range", "min": {"x": [1, 2]}, "opt": {"x": [2, 2]}, "max": {"x": [4, 2]}}]}})";
  }

  EngineMismatch Find(const GpuReport& gpu, const std::string& tensorrt, const std::string& sum = kSum) const {
    const std::string manifest = Manifest(sum);
    return FindMismatch(path_.string(), manifest, ReadBuildInfo(path_.string(), manifest), gpu, tensorrt);
  }

  fs::path path_;
  const GpuReport here_ = {"GPU A", "9.0", "1"};
};

TEST_F(EngineMatchTest, TheSameMachineMatches) { EXPECT_EQ(Find(here_, "8.6.0").problem, ""); }

TEST_F(EngineMatchTest, AnotherDriverMatches) { EXPECT_EQ(Find({"GPU A", "9.0", "2"}, "8.6.0").problem, ""); }

TEST_F(EngineMatchTest, AnotherComputeCapabilityDoesNot) {
  const EngineMismatch mismatch = Find({"GPU B", "8.9", "1"}, "8.6.0");
  EXPECT_FALSE(mismatch.damaged);
  for (const char* part : {"9.0", "8.9", "GPU A", "GPU B"}) {
    EXPECT_NE(mismatch.problem.find(part), std::string::npos) << mismatch.problem;
  }
}

TEST_F(EngineMatchTest, AnotherGpuOfTheSameCapabilityDoesNot) {
  EXPECT_NE(Find({"GPU B", "9.0", "1"}, "8.6.0").problem.find("GPU B"), std::string::npos);
}

TEST_F(EngineMatchTest, AnotherTensorRtDoesNot) {
  const EngineMismatch mismatch = Find(here_, "8.6.1");
  EXPECT_FALSE(mismatch.damaged);
  EXPECT_NE(mismatch.problem.find("8.6.0, and here is 8.6.1"), std::string::npos) << mismatch.problem;
}

TEST_F(EngineMatchTest, AChangedPlanIsDamage) {
  Write("plaN");
  EXPECT_TRUE(Find(here_, "8.6.0").damaged);
  EXPECT_NE(Find(here_, "8.6.0").problem.find(kFile), std::string::npos);
}

TEST_F(EngineMatchTest, ATruncatedPlanIsDamage) {
  Write("pla");
  EXPECT_TRUE(Find(here_, "8.6.0").damaged);
}

TEST_F(EngineMatchTest, AMissingPlanIsDamage) {
  fs::remove(path_ / kFile);
  EXPECT_TRUE(Find(here_, "8.6.0").damaged);
}

TEST_F(EngineMatchTest, ANewerFormatIsSaid) {
  const std::string manifest = R"({"build": {"format_version": 2, "gpu": 7}})";
  const BuildInfo build = ReadBuildInfo("m", manifest);
  EXPECT_EQ(build.format_version, 2);
  const EngineMismatch mismatch = FindMismatch("m", manifest, build, here_, "8.6.0");
  EXPECT_FALSE(mismatch.damaged);
  EXPECT_NE(mismatch.problem.find("a newer tftrt"), std::string::npos) << mismatch.problem;
}

TEST_F(EngineMatchTest, EnginesThatTheManifestDoesNotKnowAreDamage) {
  const std::string manifest = R"({"build": null})";
  EXPECT_TRUE(FindMismatch("m", manifest, ReadBuildInfo("m", manifest), here_, "8.6.0").damaged);
}

TEST_F(EngineMatchTest, TheMessageHasTheCommandThatBuildsAgain) {
  const BuildInfo build = ReadBuildInfo("folder/m", Manifest(kSum));
  EXPECT_EQ(BuildCommand("folder/m", build),
            "tftrt build folder/m --shapes x:1x2 --min-shapes x:1x2 --opt-shapes x:2x2 --max-shapes x:4x2");
  try {
    ThrowMismatch("folder/m", build, {"why", false});
    FAIL();
  } catch (const IncompatibleError& error) {
    const std::string text = error.what();
    for (const char* part : {"folder/m", "why", "--shapes x:1x2", "on_mismatch"}) {
      EXPECT_NE(text.find(part), std::string::npos) << text;
    }
  }
  EXPECT_THROW(ThrowMismatch("folder/m", build, {"why", true}), ModelError);
}

TEST_F(EngineMatchTest, TheCommandIsForAShellAndNotEndless) {
  BuildInfo build;
  EXPECT_EQ(BuildCommand("my model", build), "tftrt build 'my model'");
  for (std::int64_t i = 1; i <= 9; ++i) build.requests.push_back({"s", false, {}, {{"it's", {i}}}, {}});
  EXPECT_EQ(BuildCommand("m", build),
            "tftrt build m --shapes 'it'\\''s:1' --shapes 'it'\\''s:2' --shapes 'it'\\''s:3' --shapes 'it'\\''s:4'"
            " --signature s (it was built for 9 sets of shapes, all of which are in assets.extra/tftrt.json)");
}

TEST_F(EngineMatchTest, NonsenseInTheBuildIsAnError) {
  EXPECT_THROW(ReadBuildInfo("m", R"({"build": {}})"), ModelError);
  EXPECT_THROW(ReadBuildInfo("m", R"({"build": {"format_version": 1, "requests": [{"shapes": {"x": [-1]}}]}})"),
               ModelError);
  EXPECT_THROW(ReadBuildInfo("m", R"({"build": {"format_version": 1, "requests": [{"shapes": {"x": [1e300]}}]}})"),
               ModelError);
  EXPECT_EQ(ReadBuildInfo("m", R"({"build": {"format_version": 1, "requests": "?", "gpu": []}})").requests.size(), 0u);
  EXPECT_EQ(ReadBuildInfo("m", "").format_version, 0);
}

TEST(OnMismatch, AnUnknownWordIsAnError) {
  EXPECT_EQ(ParseOnMismatch("rebuild"), OnMismatch::kRebuild);
  EXPECT_THROW(ParseOnMismatch("ignore"), InvalidArgumentError);
}

TEST(OnMiss, AnUnknownWordIsAnError) {
  EXPECT_EQ(ParseOnMiss("build"), OnMiss::kBuild);
  EXPECT_THROW(ParseOnMiss("ignore"), InvalidArgumentError);
}

}  // namespace
}  // namespace tftrt
