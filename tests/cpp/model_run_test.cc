// Calls: results, the checks before them, and who owns which memory.

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models.h"
#include "testing.h"
#include "tftrt/error.h"
#include "tftrt/model.h"

namespace tftrt {
namespace {

using Floats = std::vector<float>;

Tensor Pair(float first, float second) { return Tensor::From<float>({first, second}, {1, 2}); }

std::string RunMessage(const Model& model, const NamedTensors& inputs, const std::vector<std::string>& outputs = {}) {
  return MessageOf<InvalidArgumentError>([&] { model.Run(inputs, outputs); });
}

class Arithmetic : public testing::Test {
 protected:
  const Model model_ = LoadOnCpu("several");
  const Tensor a_ = Pair(6, 8);
  const Tensor b_ = Pair(2, 4);
};

TEST_F(Arithmetic, AllOutputsComeInTheOrderOfOutputs) {
  const std::vector<Tensor> outputs = model_.Run({{"a", a_}, {"b", b_}});
  ASSERT_EQ(outputs.size(), 3u);
  EXPECT_EQ(ValuesOf<float>(outputs[0]), (Floats{4, 4}));
  EXPECT_EQ(ValuesOf<float>(outputs[1]), (Floats{3, 2}));
  EXPECT_EQ(ValuesOf<float>(outputs[2]), (Floats{8, 12}));
}

TEST_F(Arithmetic, InputsComeInAnyOrder) {
  EXPECT_EQ(ValuesOf<float>(model_.Run({{"b", b_}, {"a", a_}})[0]), (Floats{4, 4}));
  EXPECT_EQ(ValuesOf<float>(model_.RunOrdered({a_, b_})[0]), (Floats{4, 4}));
}

TEST_F(Arithmetic, SomeOutputsComeInTheOrderAskedFor) {
  const std::vector<Tensor> outputs = model_.Run({{"a", a_}, {"b", b_}}, {"sum", "difference"});
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(ValuesOf<float>(outputs[0]), (Floats{8, 12}));
  EXPECT_EQ(ValuesOf<float>(outputs[1]), (Floats{4, 4}));
}

TEST_F(Arithmetic, OutputAskedForTwiceIsTwoTensors) {
  std::vector<Tensor> outputs = model_.Run({{"a", a_}, {"b", b_}}, {"sum", "sum"});
  ASSERT_EQ(outputs.size(), 2u);
  outputs[0].data<float>()[0] = -1;
  EXPECT_EQ(ValuesOf<float>(outputs[1]), (Floats{8, 12}));
}

TEST_F(Arithmetic, WhatOnlyOtherOutputsNeedIsNotComputed) {
  const NamedTensors inputs = {{"a", a_}, {"b", Pair(0, 1)}};
  EXPECT_EQ(ValuesOf<float>(model_.Run(inputs, {"sum"})[0]), (Floats{6, 9}));
  ExpectContains(RunMessage(model_, inputs), "b has a zero");
  ExpectContains(RunMessage(model_, inputs, {"quotient"}), "b has a zero");
}

// More sets than the model prepares calls for.
TEST_F(Arithmetic, AnyNumberOfOutputSetsWorks) {
  const std::vector<std::string> names = {"difference", "quotient", "sum"};
  const std::vector<Floats> values = {{4, 4}, {3, 2}, {8, 12}};
  for (std::size_t set = 0; set < 81; ++set) {
    const std::vector<std::size_t> wanted = {set % 3, set / 3 % 3, set / 9 % 3, set / 27};
    std::vector<std::string> wanted_names;
    for (std::size_t index : wanted) wanted_names.push_back(names[index]);
    std::vector<Tensor> outputs = model_.Run({{"a", a_}, {"b", b_}}, wanted_names);
    ASSERT_EQ(outputs.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_EQ(ValuesOf<float>(outputs[i]), values[wanted[i]]) << "set " << set << ", output " << i;
      outputs[i].data<float>()[0] = -1;  // must not change another output that is the same
    }
  }
}

TEST_F(Arithmetic, OneTensorMayBeSeveralInputs) {
  EXPECT_EQ(ValuesOf<float>(model_.Run({{"a", a_}, {"b", a_}})[2]), (Floats{12, 16}));
}

TEST_F(Arithmetic, OutputsMayBeInputsOfTheNextCall) {
  Tensor total = a_;
  for (int i = 0; i < 3; ++i) total = model_.Run({{"a", total}, {"b", b_}}, {"sum"})[0];
  EXPECT_EQ(ValuesOf<float>(total), (Floats{12, 20}));
}

TEST_F(Arithmetic, UnknownDimensionTakesAnySize) {
  for (std::int64_t batch : {0, 1, 7}) {
    Tensor ones = Tensor::Empty(DType::kFloat32, {batch, 2});
    for (std::int64_t i = 0; i < ones.num_elements(); ++i) ones.data<float>()[i] = 1;
    const std::vector<Tensor> outputs = model_.Run({{"a", ones}, {"b", ones}});
    for (const Tensor& output : outputs) EXPECT_EQ(output.shape(), (Shape{batch, 2}));
    EXPECT_EQ(ValuesOf<float>(outputs[2]), Floats(static_cast<std::size_t>(2 * batch), 2));
  }
}

TEST_F(Arithmetic, MisalignedInputGivesTheSame) {
  alignas(64) std::array<float, 5> values = {0, 6, 8, 2, 4};
  const Tensor a = Tensor::Borrow(&values[1], DType::kFloat32, {1, 2}, nullptr);
  const Tensor b = Tensor::Borrow(&values[3], DType::kFloat32, {1, 2}, nullptr);
  EXPECT_EQ(ValuesOf<float>(model_.Run({{"a", a}, {"b", b}})[2]), (Floats{8, 12}));
}

TEST_F(Arithmetic, InputsAreReleasedWhenRunReturns) {
  const long uses = a_.owner().use_count();
  const std::vector<Tensor> outputs = model_.Run({{"a", a_}, {"b", b_}});
  EXPECT_EQ(a_.owner().use_count(), uses);
}

TEST_F(Arithmetic, CallsDoNotShareOutputs) {
  std::vector<Tensor> first = model_.Run({{"a", a_}, {"b", b_}});
  first[2].data<float>()[0] = -1;
  EXPECT_EQ(ValuesOf<float>(model_.Run({{"a", a_}, {"b", b_}})[2]), (Floats{8, 12}));
}

TEST_F(Arithmetic, MissingInputIsNamedWithAllThereAre) {
  const std::string message = RunMessage(model_, {{"a", a_}});
  ExpectContains(message, "input \"b\" of signature \"serving_default\" is missing");
  ExpectContains(message, "a: float32[?, 2]; b: float32[?, 2]");
}

TEST_F(Arithmetic, UnknownInputIsNamedWithAllThereAre) {
  const std::string message = RunMessage(model_, {{"a", a_}, {"b", b_}, {"c", a_}});
  ExpectContains(message, "no input \"c\"");
  ExpectContains(message, "a: float32[?, 2]; b: float32[?, 2]");
}

TEST_F(Arithmetic, InputGivenTwiceIsNamed) {
  ExpectContains(RunMessage(model_, {{"a", a_}, {"a", b_}}), "input \"a\" is given twice");
}

TEST_F(Arithmetic, UnknownOutputIsNamedWithAllThereAre) {
  const std::string message = RunMessage(model_, {{"a", a_}, {"b", b_}}, {"sum", "product"});
  ExpectContains(message, "no output \"product\"");
  ExpectContains(message, "difference: float32[?, 2]; quotient");
}

TEST_F(Arithmetic, WrongDTypeSaysBoth) {
  const Tensor doubles = Tensor::From<double>({1, 2}, {1, 2});
  const std::string message = RunMessage(model_, {{"a", doubles}, {"b", b_}});
  ExpectContains(message, "input \"a\" has dtype float64; expected a: float32[?, 2]");
  EXPECT_EQ(RunMessage(model_, {{"b", b_}, {"a", doubles}}), message);
  EXPECT_THROW(model_.RunOrdered({doubles, b_}), InvalidArgumentError);
  EXPECT_THROW(model_.RunOrdered({Tensor::Strings({"", ""}, {1, 2}), b_}), InvalidArgumentError);
}

TEST_F(Arithmetic, WrongShapeSaysBoth) {
  for (const Shape& shape : {Shape{2}, Shape{1, 3}, Shape{1, 1, 2}, Shape{}, Shape{2, 0}}) {
    const std::string message = RunMessage(model_, {{"a", Tensor::Empty(DType::kFloat32, shape)}, {"b", b_}});
    ExpectContains(message, "input \"a\" has shape " + ToString(shape) + "; expected a: float32[?, 2]");
  }
}

TEST_F(Arithmetic, TensorWithoutContentIsNamed) {
  ExpectContains(RunMessage(model_, {{"a", Tensor()}, {"b", b_}}), "input \"a\" is an empty Tensor");
}

TEST_F(Arithmetic, NumberOfOrderedInputsIsChecked) {
  ExpectContains(MessageOf<InvalidArgumentError>([&] { model_.RunOrdered({a_}); }), "2 inputs, but 1");
  ExpectContains(MessageOf<InvalidArgumentError>([&] { model_.RunOrdered({a_, b_, a_}); }), "2 inputs, but 3");
}

// What the signature does not rule out, TensorFlow does: shapes that do not fit each other.
TEST_F(Arithmetic, TensorFlowsOwnErrorIsAnInvalidArgument) {
  const Tensor two = Tensor::From<float>({1, 2, 3, 4}, {2, 2});
  const Tensor three = Tensor::From<float>({1, 2, 3, 4, 5, 6}, {3, 2});
  const std::string message = RunMessage(model_, {{"a", two}, {"b", three}});
  ExpectContains(message, "running signature \"serving_default\" failed");
  EXPECT_EQ(ValuesOf<float>(model_.Run({{"a", a_}, {"b", b_}})[2]), (Floats{8, 12}));
}

TEST(Run, StringsGoInAndOut) {
  const Model model = LoadSignature("several", "greet");
  const std::vector<std::string> names = {"", std::string("a\0b", 3), "caf\xc3\xa9", std::string(100000, 'x')};
  const std::vector<Tensor> outputs = model.Run({{"name", Tensor::Strings(names, {4})}});
  EXPECT_EQ(outputs[0].dtype(), DType::kString);
  ASSERT_EQ(outputs[0].shape(), Shape{4});
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(outputs[0].strings()[i], "hello " + names[i]);
  EXPECT_TRUE(model.Run({{"name", Tensor::Strings({}, {0})}})[0].strings().empty());
}

TEST(Run, StringsOfAnotherCountThanTheShapeAreAnError) {
  const Model model = LoadSignature("several", "greet");
  Tensor names = Tensor::Strings({"one"}, {1});
  names.strings().push_back("two");
  ExpectContains(RunMessage(model, {{"name", names}}), "shape [1] holds 2 strings");
}

TEST(Run, SignatureWithoutInputsKeepsItsState) {
  const Model model = LoadSignature("several", "count");
  std::vector<Tensor> first = model.Run({});
  EXPECT_EQ(ValuesOf<std::int64_t>(first[0]), std::vector<std::int64_t>{11});
  first[0].data<std::int64_t>()[0] = 1000;  // the caller's, not the variable's
  EXPECT_EQ(ValuesOf<std::int64_t>(model.RunOrdered({})[0]), std::vector<std::int64_t>{12});
  EXPECT_EQ(ValuesOf<std::int64_t>(LoadSignature("several", "count").Run({})[0]), std::vector<std::int64_t>{11});
}

TEST(Run, InputHandedThroughIsACopy) {
  const Model model = LoadSignature("several", "pass");
  for (const Shape& shape : {Shape{}, Shape{4}, Shape{2, 2, 2}, Shape{0, 3}}) {
    Tensor input = Tensor::Empty(DType::kFloat32, shape);
    for (std::int64_t i = 0; i < input.num_elements(); ++i) input.data<float>()[i] = 5;
    const Floats before = ValuesOf<float>(input);
    std::vector<Tensor> outputs = model.Run({{"any", input}});
    ASSERT_EQ(outputs.size(), 2u);
    for (Tensor& output : outputs) {
      EXPECT_EQ(output.shape(), shape);
      EXPECT_EQ(ValuesOf<float>(output), before);
      for (std::int64_t i = 0; i < output.num_elements(); ++i) output.data<float>()[i] = -1;
    }
    EXPECT_EQ(ValuesOf<float>(input), before);
  }
}

TEST(Run, FailingAssertIsAnErrorAndTheModelGoesOn) {
  const Model model = LoadSignature("several", "positive");
  const std::string message = RunMessage(model, {{"n", Tensor::From<std::int32_t>({-5}, {})}});
  ExpectContains(message, "running signature \"positive\" failed");
  ExpectContains(message, "-5");
  EXPECT_EQ(ValuesOf<std::int32_t>(model.Run({{"n", Tensor::From<std::int32_t>({5}, {})}})[0]),
            std::vector<std::int32_t>{5});
}

TEST(Run, OutputThatWasNotComputedIsAnError) {
  const Model model = LoadOnCpu("branch");
  const Tensor x = Tensor::From<float>({1, 2}, {2});
  Tensor taken = Tensor::Empty(DType::kBool, {});
  *taken.data<bool>() = true;
  EXPECT_EQ(ValuesOf<float>(model.Run({{"x", x}, {"taken", taken}})[0]), (Floats{1, 2}));
  *taken.data<bool>() = false;
  ExpectContains(RunMessage(model, {{"x", x}, {"taken", taken}}), "\"y");
}

}  // namespace
}  // namespace tftrt
