// Bound calls: what they compute, and that their memory stays where it is.

#include "tftrt/runner.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "models.h"
#include "testing.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

using Floats = std::vector<float>;

void Fill(const Runner& runner, const std::string& name, const Floats& values) {
  Tensor input = runner.input(name);
  ASSERT_EQ(static_cast<std::size_t>(input.num_elements()), values.size());
  std::copy(values.begin(), values.end(), input.data<float>());
}

TEST(Runner, ReadsItsInputsAnewAndKeepsItsMemory) {
  const Model model = LoadOnCpu("add");
  Runner runner = model.Bind({{"x", Shape{1, 4}}});
  EXPECT_FALSE(runner.output(0).valid());
  EXPECT_EQ(ValuesOf<float>(runner.input("x")), Floats(4, 0));
  const void* input = runner.input(0).data();
  runner.Run();
  const void* output = runner.output(0).data();
  for (float x : {1.0f, -3.5f}) {
    Fill(runner, "x", Floats(4, x));
    runner.Run();
    EXPECT_EQ(ValuesOf<float>(runner.output(0)), Floats(4, x + 1));
  }
  EXPECT_EQ(runner.input(0).data(), input);
  EXPECT_EQ(runner.output(0).data(), output);
  EXPECT_EQ(model.Stats().calls, 3u);
}

TEST(Runner, ReadsTheCallersMemoryAlignedOrNot) {
  const Model model = LoadOnCpu("add");
  alignas(kTensorAlignment) float memory[20] = {};
  for (float* x : {memory, memory + 1}) {
    Runner runner = model.Bind({{"x", Tensor::Borrow(x, DType::kFloat32, {1, 4}, nullptr)}});
    for (float value : {2.0f, 5.0f}) {
      std::fill(x, x + 4, value);
      runner.Run();
      EXPECT_EQ(ValuesOf<float>(runner.output(0)), Floats(4, value + 1));
      EXPECT_EQ(x[0], value);
    }
  }
}

TEST(Runner, ComputesTheOutputsAskedFor) {
  const Model model = LoadOnCpu("several");
  Runner runner = model.Bind({{"b", Shape{1, 2}}, {"a", Shape{1, 2}}}, {"sum", "difference"});
  ASSERT_EQ(runner.outputs().size(), 2u);
  EXPECT_EQ(runner.outputs()[0].name, "sum");
  Fill(runner, "a", {6, 8});
  Fill(runner, "b", {0, 4});  // the quotient, not asked for, refuses zeros
  runner.Run();
  EXPECT_EQ(ValuesOf<float>(runner.output("sum")), (Floats{6, 12}));
  EXPECT_EQ(ValuesOf<float>(runner.output("difference")), (Floats{6, 4}));
}

TEST(Runner, WritesToTheCallersMemory) {
  const Model model = LoadOnCpu("several");
  Floats sum(2);
  const Tensor memory = Tensor::Borrow(sum.data(), DType::kFloat32, {1, 2}, nullptr);
  Runner runner = model.Bind({{"a", Shape{1, 2}}, {"b", Shape{1, 2}}}, {"difference", "sum"}, {}, {{"sum", memory}});
  for (float x : {3.0f, 5.0f}) {
    Fill(runner, "a", {x, 2 * x});
    runner.Run();
    EXPECT_EQ(sum, (Floats{x, 2 * x}));
    EXPECT_EQ(ValuesOf<float>(runner.output("difference")), (Floats{x, 2 * x}));
    EXPECT_EQ(runner.output("sum").data(), sum.data());
  }
}

TEST(Runner, ChecksTheCallersMemory) {
  const Model model = LoadOnCpu("several");
  const NamedShapes shapes = {{"a", {1, 2}}, {"b", {1, 2}}};
  const auto bind = [&](const std::string& name, const Tensor& memory,
                        const std::vector<std::string>& outputs = {"sum"}) {
    return model.Bind(shapes, outputs, {}, {{name, memory}});
  };
  const Tensor fitting = Tensor::Empty(DType::kFloat32, {1, 2});
  EXPECT_THROW(bind("a", fitting), InvalidArgumentError);
  EXPECT_THROW(bind("difference", fitting), InvalidArgumentError);
  EXPECT_THROW(bind("sum", fitting, {"sum", "sum"}), InvalidArgumentError);
  EXPECT_THROW(bind("sum", Tensor()), InvalidArgumentError);
  EXPECT_THROW(bind("sum", Tensor::Empty(DType::kFloat64, {1, 2})), InvalidArgumentError);
  EXPECT_THROW(bind("sum", Tensor::Empty(DType::kFloat32, {1, 3})), InvalidArgumentError);
  // Whether it fits is known when the output is.
  const Tensor large = Tensor::From<float>({7, 7, 7, 7}, {2, 2});
  Runner runner = bind("sum", large);
  const std::string message = MessageOf<InvalidArgumentError>([&] { runner.Run(); });
  ExpectContains(message, "\"sum\" is float32[1, 2], but the memory that it is bound to is float32[2, 2]");
  EXPECT_EQ(ValuesOf<float>(large), Floats(4, 7));
}

TEST(Runner, AFailedRunLeavesItUsable) {
  const Model model = LoadOnCpu("several");
  Runner runner = model.Bind({{"a", Shape{1, 2}}, {"b", Shape{1, 2}}});
  EXPECT_THROW(runner.Run(), InvalidArgumentError);
  Fill(runner, "a", {6, 8});
  Fill(runner, "b", {2, 4});
  runner.Run();
  EXPECT_EQ(ValuesOf<float>(runner.output("quotient")), (Floats{3, 2}));
  EXPECT_EQ(model.Stats().errors, 1u);
}

TEST(Runner, ChecksNamesShapesAndIndices) {
  const Model model = LoadOnCpu("add");
  EXPECT_THROW(model.Bind({{"y", Shape{1, 4}}}), InvalidArgumentError);
  EXPECT_THROW(model.Bind({{"x", Shape{2, 5}}}), InvalidArgumentError);
  EXPECT_THROW(model.Bind({{"x", Shape{1, 4}}}, {"nothing"}), InvalidArgumentError);
  const Runner runner = model.Bind({{"x", Shape{1, 4}}});
  EXPECT_THROW(runner.input("nothing"), InvalidArgumentError);
  EXPECT_THROW(runner.output("nothing"), InvalidArgumentError);
  EXPECT_THROW(runner.input(1), std::out_of_range);
}

TEST(Runner, KeepsItsModelUnlessThatIsClosed) {
  auto model = std::make_unique<Model>(LoadOnCpu("add"));
  Runner runner = model->Bind({{"x", Shape{1, 4}}});
  Model other = *model;
  model.reset();
  runner.Run();
  other.Close();
  EXPECT_THROW(runner.Run(), InvalidArgumentError);
  EXPECT_EQ(ValuesOf<float>(runner.output(0)), Floats(4, 1));
  EXPECT_THROW(other.Bind({{"x", Shape{1, 4}}}), InvalidArgumentError);
}

}  // namespace
}  // namespace tftrt
