// Signatures as TensorFlow reads them: default values, shapes of placeholders, outputs that cannot be had.

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "models.h"
#include "testing.h"
#include "tftrt/error.h"
#include "tftrt/runner.h"

namespace tftrt {
namespace {

Tensor Pair() { return Tensor::From<float>({1, 2}, {1, 2}); }

const TensorSpec& SpecOf(const std::vector<TensorSpec>& specs, const std::string& name) {
  for (const TensorSpec& spec : specs) {
    if (spec.name == name) return spec;
  }
  throw std::out_of_range(name);
}

// Outputs in the order of the signature's: label, scale, y.
void ExpectScaled(const std::vector<Tensor>& outputs, float scale, const std::string& label) {
  ASSERT_EQ(outputs.size(), 3u);
  EXPECT_EQ(outputs[0].strings(), std::vector<std::string>{label});
  EXPECT_EQ(ValuesOf<float>(outputs[1]), std::vector<float>{scale});
  EXPECT_EQ(ValuesOf<float>(outputs[2]), (std::vector<float>{scale, 2 * scale}));
}

TEST(Signatures, AShapeThatIsLeftOutIsThePlaceholders) {
  const Model model = LoadOnCpu("defaults");
  EXPECT_EQ(SpecOf(model.inputs(), "x").shape, (Shape{-1, 2}));
  EXPECT_EQ(SpecOf(model.outputs(), "y").shape, (Shape{-1, 2}));
  ExpectContains(MessageOf<InvalidArgumentError>([&] { model.Run({{"x", Tensor::From<float>({1}, {1})}}); }),
                 "expected x: float32[?, 2]");
}

TEST(Signatures, DefaultValuesFillInputsThatAreLeftOut) {
  const Model model = LoadOnCpu("defaults");
  EXPECT_FALSE(SpecOf(model.inputs(), "x").default_value.valid());
  EXPECT_EQ(ValuesOf<float>(SpecOf(model.inputs(), "scale").default_value), std::vector<float>{3});
  ExpectScaled(model.Run({{"x", Pair()}}), 3, "3x");
  ExpectScaled(model.Run({{"x", Pair()}, {"unit", Tensor::Strings({"m"}, {})}}), 3, "3m");
  ExpectScaled(model.RunOrdered({Tensor(), Tensor(), Pair()}), 3, "3x");
  ExpectScaled(model.RunAsync({{"x", Pair()}}).get(), 3, "3x");
  CallOptions options;
  options.deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  ExpectScaled(model.Run({{"x", Pair()}}, options), 3, "3x");
  ExpectScaled(model.Run({{"x", Pair()}, {"scale", Tensor::From<float>({5}, {})}}), 5, "5x");
  ExpectContains(MessageOf<InvalidArgumentError>([&] { model.Run(NamedTensors()); }),
                 "input \"x\" of signature \"serving_default\" is missing; its inputs are scale: float32[] (may be "
                 "left out); unit: string[] (may be left out); x: float32[?, 2]");
}

TEST(Signatures, NobodyCanChangeADefaultValue) {
  const Model model = LoadOnCpu("defaults");
  // The output is the input, and the runner's input is the runner's own.
  std::vector<Tensor> outputs = model.Run({{"x", Pair()}});
  outputs[1].data<float>()[0] = 7;
  Runner runner = model.Bind({{"x", Pair()}});
  runner.Run();
  EXPECT_EQ(ValuesOf<float>(runner.output("scale")), std::vector<float>{3});
  Tensor scale = runner.input("scale");
  scale.data<float>()[0] = 9;
  runner.Run();
  EXPECT_EQ(ValuesOf<float>(runner.output("y")), (std::vector<float>{9, 18}));
  ExpectScaled(model.Run({{"x", Pair()}}), 3, "3x");
  Runner shaped = model.Bind(NamedShapes{{"x", {1, 2}}});
  Tensor x = shaped.input("x");
  std::memcpy(x.data(), Pair().data(), x.num_bytes());
  shaped.Run();
  EXPECT_EQ(ValuesOf<float>(shaped.output("y")), (std::vector<float>{3, 6}));
}

TEST(Signatures, OutputsThatCannotBeHadAreLeftOut) {
  const Model model = LoadOnCpu("defaults");
  EXPECT_EQ(model.outputs().size(), 3u);
  const std::string message = MessageOf<UnsupportedError>([&] { model.Run({{"x", Pair()}}, {"sparse"}); });
  ExpectContains(message, "no call can return the output \"sparse\"");
  ExpectContains(message, "it is sparse. Its other outputs are label: string[]; scale: float32[]; y: float32[?, 2]");
  EXPECT_THROW(model.Bind({{"x", Pair()}}, {"handle"}), UnsupportedError);
  ExpectContains(MessageOf<UnsupportedError>([&] { model.WithSignature("only_handle"); }),
                 "TensorFlow's dtype resource");
}

TEST(Signatures, InspectionTellsOfDefaultsAndUnavailableOutputs) {
  const SavedModelInfo info = InspectSavedModel(ModelPath("defaults"));
  ASSERT_EQ(info.signatures.size(), 3u);
  const SignatureSpec& spec = info.signatures[1];
  EXPECT_EQ(spec.unsupported, "");
  ASSERT_EQ(spec.unavailable.size(), 2u);
  EXPECT_EQ(spec.unavailable[1], (std::pair<std::string, std::string>("sparse", "it is sparse")));
  EXPECT_EQ(SpecOf(spec.inputs, "unit").default_value.strings(), std::vector<std::string>{"x"});
  ExpectContains(info.signatures[2].unsupported, "the default value of input \"scale\" has the shape [2]");
}

}  // namespace
}  // namespace tftrt
