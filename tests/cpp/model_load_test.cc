// Loading models: what is found in them, what is chosen for them, and what is refused.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "models.h"
#include "testing.h"
#include "tftrt/environment.h"
#include "tftrt/error.h"
#include "tftrt/model.h"

namespace tftrt {
namespace {

namespace fs = std::filesystem;

template <typename Expected>
std::string LoadMessage(const std::string& path, const ModelOptions& options = {}) {
  return MessageOf<Expected>([&] { Model::Load(path, options); });
}

std::vector<std::string> Texts(const std::vector<TensorSpec>& specs) {
  std::vector<std::string> texts;
  for (const TensorSpec& spec : specs) texts.push_back(ToString(spec));
  return texts;
}

using Strings = std::vector<std::string>;

TEST(TensorSpec, PrintsNameDTypeAndShape) {
  EXPECT_EQ(ToString(TensorSpec{"images", DType::kFloat32, {-1, 224, 224, 3}, true}),
            "images: float32[?, 224, 224, 3]");
  EXPECT_EQ(ToString(TensorSpec{"any", DType::kString, {}, false}), "any: string[...]");
}

TEST(Load, ShowsTheSignature) {
  const Model model = LoadOnCpu("several");
  EXPECT_EQ(model.signature(), "serving_default");
  EXPECT_EQ(Texts(model.inputs()), (Strings{"a: float32[?, 2]", "b: float32[?, 2]"}));
  EXPECT_EQ(Texts(model.outputs()),
            (Strings{"difference: float32[?, 2]", "quotient: float32[?, 2]", "sum: float32[?, 2]"}));
  EXPECT_EQ(model.signatures(), (Strings{"count", "greet", "pass", "positive", "serving_default", "sparse"}));
  EXPECT_EQ(model.manifest(), "");
  EXPECT_FALSE(model.closed());
}

TEST(Load, SignatureIsAnOption) {
  const Model model = LoadSignature("several", "greet");
  EXPECT_EQ(model.signature(), "greet");
  EXPECT_EQ(Texts(model.inputs()), (Strings{"name: string[?]"}));
  EXPECT_EQ(Texts(LoadSignature("several", "pass").inputs()), (Strings{"any: float32[...]"}));
  EXPECT_TRUE(LoadSignature("several", "count").inputs().empty());
}

TEST(Load, TagsAreAnOptionInAnyOrder) {
  ModelOptions options;
  options.tags = {"double", "serve"};
  const Model model = LoadOnCpu("add", options);
  const Tensor x = Tensor::From<float>({1, 2, 3, 4}, {1, 4});
  EXPECT_EQ(ValuesOf<float>(model.Run({{"x", x}})[0]), (std::vector<float>{2, 4, 6, 8}));
  EXPECT_EQ(model.info().tags, options.tags);
}

TEST(Load, TellsWhatItDecidedAndHowLongItTook) {
  const ModelInfo info = LoadOnCpu("add").info();
  EXPECT_EQ(info.path, ModelPath("add"));
  EXPECT_EQ(info.tags, Strings{"serve"});
  EXPECT_EQ(info.device, "cpu");
  EXPECT_EQ(info.engines, 0);
  Strings phases;
  for (const auto& [name, seconds] : info.load_seconds) {
    phases.push_back(name);
    EXPECT_GE(seconds, 0);
  }
  EXPECT_EQ(phases, (Strings{"verify", "read", "match", "edit", "session", "restore"}));
}

TEST(LoadErrors, MissingModelIsNamed) {
  const std::string message = LoadMessage<ModelError>("/no/such/model");
  ExpectContains(message, "\"/no/such/model\"");
  ExpectContains(message, "expected the folder of a SavedModel");
  EXPECT_THROW(Model::Load(""), ModelError);
}

TEST(LoadErrors, FolderWithoutSavedModelIsNamed) {
  const TemporaryFolder folder;
  const std::string message = LoadMessage<ModelError>(folder.path().string());
  ExpectContains(message, folder.path().string());
  ExpectContains(message, "saved_model.pb");
}

TEST(LoadErrors, FileInsteadOfFolderGetsTheFolderAsAdvice) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "saved_model.pb";
  std::ofstream(file) << "anything";
  ExpectContains(LoadMessage<ModelError>(file), "pass \"" + folder.path().string() + "\"");
}

std::string MessageOfSavedModel(const std::string& content) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "saved_model.pb", std::ios::binary) << content;
  return LoadMessage<ModelError>(folder.path().string());
}

TEST(LoadErrors, DamagedSavedModelIsAModelError) {
  const Strings damages = {std::string(100, '\xff'), "saved_model_schema_version: 1", std::string("\x12\x7f", 2)};
  for (const std::string& content : damages) ExpectContains(MessageOfSavedModel(content), "saved_model.pb");
}

TEST(LoadErrors, EmptySavedModelIsAModelError) { ExpectContains(MessageOfSavedModel(""), "saved_model.pb"); }

TEST(LoadErrors, UnknownSignatureListsThoseThereAre) {
  ModelOptions options;
  options.signature = "serve";
  const std::string message = LoadMessage<InvalidArgumentError>(ModelPath("several"), options);
  ExpectContains(message, "no signature \"serve\"");
  ExpectContains(message, "\"count\", \"greet\", \"pass\", \"positive\", \"serving_default\"");
  EXPECT_THROW(LoadSignature("several", "__saved_model_init_op"), InvalidArgumentError);
}

TEST(LoadErrors, UnknownTagSetListsThoseThereAre) {
  ModelOptions options;
  options.tags = {"train"};
  const std::string message = LoadMessage<InvalidArgumentError>(ModelPath("add"), options);
  ExpectContains(message, "{\"train\"}");
  ExpectContains(message, "{\"serve\"}, {\"serve\", \"double\"}");
}

TEST(LoadErrors, SparseSignatureIsUnsupportedAndTheOthersAreNot) {
  ExpectContains(MessageOf<UnsupportedError>([] { LoadSignature("several", "sparse"); }), "input \"s\" is sparse");
}

TEST(LoadErrors, EveryUnknownOpIsNamed) {
  const std::string message = LoadMessage<UnsupportedError>(ModelPath("unknown_ops"));
  ExpectContains(message, "TftrtUnknownInner, TftrtUnknownOuter");
  ExpectContains(message, "op_libraries");
}

TEST(LoadErrors, OpLibraryThatCannotBeOpenedIsNamed) {
  ModelOptions options;
  options.op_libraries = {"/no/such/ops.so"};
  ExpectContains(LoadMessage<InvalidArgumentError>(ModelPath("add"), options), "/no/such/ops.so");
}

TEST(LoadErrors, UnknownOptionValuesListTheKnown) {
  ModelOptions options;
  options.executor = "fast";
  ExpectContains(LoadMessage<InvalidArgumentError>(ModelPath("add"), options),
                 "executor is \"fast\"; expected \"auto\", \"parallel\" or \"single\"");
  for (const char* device : {"", "gpu", "gpu:", "gpu:x", "gpu:1x", "gpu:-1", "gpu:99999999999999", "GPU:0", "tpu:0"}) {
    options = {};
    options.device = device;
    ExpectContains(LoadMessage<InvalidArgumentError>(ModelPath("add"), options),
                   "device is \"" + std::string(device) + "\"; expected \"auto\", \"cpu\" or \"gpu:N\"");
  }
}

TEST(LoadErrors, NegativeWarmUpIsAnError) {
  ModelOptions options;
  options.warmup = -1;
  ExpectContains(LoadMessage<InvalidArgumentError>(ModelPath("add"), options), "warmup is -1");
}

// The bounds of RuntimeOptions: TensorFlow aborts the process if the system refuses a thread.
TEST(LoadErrors, NumberOfThreadsOutOfRangeIsAnError) {
  for (int threads : {-1, 4097}) {
    ModelOptions options;
    options.intra_op_threads = threads;
    ExpectContains(LoadMessage<InvalidArgumentError>(ModelPath("add"), options),
                   "intra_op_threads is " + std::to_string(threads) + "; expected 0 to 4096");
    options = {};
    options.inter_op_threads = threads;
    ExpectContains(LoadMessage<InvalidArgumentError>(ModelPath("add"), options),
                   "inter_op_threads is " + std::to_string(threads) + "; expected 0 to 4096");
  }
}

TEST(Device, GpuThatIsNotThereIsIncompatible) {
  const std::size_t gpus = InspectEnvironment().gpus.size();
  ModelOptions options;
  options.device = "gpu:" + std::to_string(gpus);
  const std::string message = LoadMessage<IncompatibleError>(ModelPath("add"), options);
  ExpectContains(message, gpus == 0 ? "no GPU" : "counted from 0");
  ExpectContains(message, "tftrt doctor");
  ExpectContains(message, "device = \"cpu\"");
}

TEST(Device, AutoIsTheCpuWithoutAGpu) {
  if (!InspectEnvironment().gpus.empty()) GTEST_SKIP() << "this machine has a GPU";
  EXPECT_EQ(Model::Load(ModelPath("add")).info().device, "cpu");
}

TEST(Engine, RunsAsItsNativeSegmentOnACpu) {
  const Model model = LoadOnCpu("engine");
  EXPECT_EQ(model.info().engines, 1);
  const std::vector<Tensor> outputs = model.Run({{"x", Tensor::From<float>({1, 2, 3, 4, 5, 6, 7, 8}, {2, 4})}});
  EXPECT_EQ(outputs[0].shape(), (Shape{2, 4}));
  EXPECT_EQ(ValuesOf<float>(outputs[0]), (std::vector<float>{2, 4, 6, 8, 10, 12, 14, 16}));
}

TEST(Engine, WithoutNativeSegmentItIsNamedAndUnsupportedOnACpu) {
  ModelOptions options;
  options.device = "cpu";
  const std::string message = LoadMessage<UnsupportedError>(ModelPath("engine_without_segment"), options);
  ExpectContains(message, "TRTEngineOp_000_000");
  ExpectContains(message, "no native segment");
  ExpectContains(message, "load it on a GPU");
}

class Executor : public testing::TestWithParam<const char*> {
 protected:
  static Model Load(const std::string& name) {
    ModelOptions options;
    options.executor = GetParam();
    return LoadOnCpu(name, options);
  }
  static bool WantsSingle() { return std::string(GetParam()) == "single"; }
};

TEST_P(Executor, ComputesTheSame) {
  ExpectAddWorks(Load("add"));
  const Tensor matrix = Tensor::From<float>({1, 2, 3, 4}, {2, 2});
  EXPECT_EQ(ValuesOf<float>(Load("wide").Run({{"x", matrix}})[0]), (std::vector<float>{12, 21, 26, 47}));
  EXPECT_EQ(ValuesOf<std::int32_t>(Load("slow").Run({{"n", Tensor::From<std::int32_t>({7}, {})}})[0]),
            (std::vector<std::int32_t>{7}));
}

TEST_P(Executor, RunsTensorFlow1LoopsUnlessItIsSingle) {
  if (WantsSingle()) {
    const std::string message = MessageOf<UnsupportedError>([] { Load("tf1_loop"); });
    ExpectContains(message, "TensorFlow 1 control flow");
    ExpectContains(message, "\"auto\" or \"parallel\"");
    return;
  }
  const Model model = Load("tf1_loop");
  EXPECT_EQ(model.info().executor, "parallel");
  EXPECT_EQ(ValuesOf<float>(model.Run({{"x", Tensor::From<float>({3}, {})}})[0]), std::vector<float>{48});
}

INSTANTIATE_TEST_SUITE_P(All, Executor, testing::Values("auto", "parallel", "single"),
                         [](const auto& info) { return std::string(info.param); });

TEST(ExecutorChoice, IsShownWithItsReason) {
  const ModelInfo add = LoadOnCpu("add").info();
  EXPECT_EQ(add.executor, "single");
  EXPECT_EQ(add.executor_reason, "no heavy ops");

  const ModelInfo wide = LoadOnCpu("wide").info();
  EXPECT_EQ(wide.executor, "parallel");
  ExpectContains(wide.executor_reason, "side by side: 2.0 times");

  ModelOptions options;
  options.executor = "single";
  const ModelInfo chosen = LoadOnCpu("wide", options).info();
  EXPECT_EQ(chosen.executor, "single");
  ExpectContains(chosen.executor_reason, "option");
}

TEST(Threads, PoolsOfTheModelGiveTheSameResult) {
  for (const char* executor : {"single", "parallel"}) {
    ModelOptions options;
    options.executor = executor;
    options.intra_op_threads = 2;
    options.inter_op_threads = 3;
    ExpectAddWorks(LoadOnCpu("add", options));
  }
}

TEST(WarmUp, MakesItsCallsBeforeLoadReturns) {
  ModelOptions options;
  options.signature = "count";
  options.warmup = 3;
  EXPECT_EQ(ValuesOf<std::int64_t>(LoadOnCpu("several", options).Run({})[0]), std::vector<std::int64_t>{14});
}

TEST(WarmUp, MakesUpInputsOfEveryKind) {
  for (const char* signature : {"greet", "pass"}) {
    ModelOptions options;
    options.signature = signature;
    options.warmup = 1;
    EXPECT_EQ(LoadOnCpu("several", options).signature(), signature);
  }
}

TEST(WarmUp, FailureSaysThatItWasTheWarmUp) {
  ModelOptions options;
  options.signature = "positive";
  options.warmup = 1;
  const std::string message = MessageOf<InvalidArgumentError>([&] { LoadOnCpu("several", options); });
  ExpectContains(message, "warm-up");
  ExpectContains(message, "warmup = 0");
}

}  // namespace
}  // namespace tftrt
