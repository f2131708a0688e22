// Rows of tensors: put together, taken apart and compared.

#include "batching/row_tensors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace tftrt {
namespace {

Tensor Floats(const std::vector<float>& values, const Shape& shape) {
  return Tensor::Copy(values.data(), DType::kFloat32, shape);
}

std::vector<float> Values(const Tensor& tensor) {
  const auto* values = static_cast<const float*>(tensor.data());
  return {values, values + tensor.num_elements()};
}

TEST(RowTensors, TheLastRowFillsUp) {
  const Tensor first = Floats({1, 2}, {1, 2}), second = Floats({3, 4, 5, 6}, {2, 2});
  const Tensor stacked = StackRows({&first, &second}, 5);
  EXPECT_EQ(stacked.shape(), (Shape{5, 2}));
  EXPECT_EQ(Values(stacked), (std::vector<float>{1, 2, 3, 4, 5, 6, 5, 6, 5, 6}));
  EXPECT_EQ(Values(CopyRows(stacked, 1, 2)), (std::vector<float>{3, 4, 5, 6}));
}

TEST(RowTensors, StringsAreRowsToo) {
  const Tensor first = Tensor::Strings({"a", "b"}, {1, 2}), second = Tensor::Strings({"c", ""}, {1, 2});
  const Tensor stacked = StackRows({&first, &second}, 4);
  EXPECT_EQ(stacked.strings(), (std::vector<std::string>{"a", "b", "c", "", "c", "", "c", ""}));
  const Tensor row = CopyRows(stacked, 1, 1);
  EXPECT_EQ(row.strings(), (std::vector<std::string>{"c", ""}));
  EXPECT_EQ(row.shape(), (Shape{1, 2}));
  EXPECT_FALSE(AllRowsDiffer({stacked}));
  EXPECT_TRUE(AllRowsDiffer({StackRows({&first, &second}, 2)}));
  EXPECT_TRUE(RowsAgree({&first, &second}, stacked, 0));
  EXPECT_FALSE(RowsAgree({&second, &first}, stacked, 0));
}

TEST(RowTensors, EmptyRowsAreRows) {
  const Tensor empty = Floats({}, {2, 0});
  EXPECT_EQ(StackRows({&empty}, 3).shape(), (Shape{3, 0}));
  const Tensor words = Tensor::Strings({}, {2, 0});
  EXPECT_EQ(StackRows({&words}, 3).shape(), (Shape{3, 0}));
  EXPECT_FALSE(AllRowsDiffer({empty}));
}

TEST(RowTensors, RowsDifferIfAnyInputDoes) {
  EXPECT_FALSE(AllRowsDiffer({Floats({1, 1}, {2})}));
  EXPECT_TRUE(AllRowsDiffer({Floats({1, 1}, {2}), Floats({1, 2}, {2})}));
  EXPECT_FALSE(AllRowsDiffer({Floats({1, 2, 1}, {3})}));
}

TEST(RowTensors, NumbersMayDifferByAPartOfTheirRange) {
  const float infinity = std::numeric_limits<float>::infinity();
  const Tensor alone = Floats({0, 10, std::nanf(""), infinity}, {1, 4});
  EXPECT_TRUE(RowsAgree({&alone}, Floats({0.0009f, 10, std::nanf(""), infinity, 7, 7, 7, 7}, {2, 4}), 1e-4));
  EXPECT_FALSE(RowsAgree({&alone}, Floats({0.0011f, 10, std::nanf(""), infinity}, {1, 4}), 1e-4));
  EXPECT_FALSE(RowsAgree({&alone}, Floats({0, 10, 0, infinity}, {1, 4}), 1));
  EXPECT_FALSE(RowsAgree({&alone}, Floats({0, 10, std::nanf(""), -infinity}, {1, 4}), 1));
  EXPECT_FALSE(RowsAgree({&alone}, Floats({0, std::nanf(""), std::nanf(""), infinity}, {1, 4}), 1));
}

TEST(RowTensors, ShapesHaveToBeEqual) {
  const Tensor alone = Floats({1}, {1, 1}), scalar = Floats({1}, {});
  EXPECT_FALSE(RowsAgree({&alone, &alone}, Floats({1, 1, 1, 1}, {2, 2}), 1));
  EXPECT_FALSE(RowsAgree({&alone, &alone}, Floats({1}, {1, 1}), 1));
  EXPECT_FALSE(RowsAgree({&scalar}, Floats({1}, {1}), 1));
  EXPECT_FALSE(RowsAgree({&alone}, scalar, 1));
}

TEST(RowTensors, OneIntegerInAHundredMayDiffer) {
  std::vector<std::int32_t> values(200, 1);
  const Tensor alone = Tensor::Copy(values.data(), DType::kInt32, {1, 200});
  values[3] = values[100] = 2;
  EXPECT_TRUE(RowsAgree({&alone}, Tensor::Copy(values.data(), DType::kInt32, {1, 200}), 0));
  values[7] = 2;
  EXPECT_FALSE(RowsAgree({&alone}, Tensor::Copy(values.data(), DType::kInt32, {1, 200}), 0));
}

}  // namespace
}  // namespace tftrt
