#include "tftrt/tensor.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "all_dtypes.h"
#include "testing.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

bool IsAligned(const void* data) { return reinterpret_cast<std::uintptr_t>(data) % kTensorAlignment == 0; }

// Appends to `log` when its last owner is gone.
std::shared_ptr<void> LoggingOwner(std::string& log) {
  return std::shared_ptr<void>(nullptr, [&log](void*) { log += "released "; });
}

// Owners are told from none by their pointer, so give them one.
std::shared_ptr<void> LoggingOwner(std::string& log, void* data) {
  return std::shared_ptr<void>(data, [&log](void*) { log += "released "; });
}

TEST(Shape, PrintsUnknownDimensions) {
  EXPECT_EQ(ToString(Shape{}), "[]");
  EXPECT_EQ(ToString(Shape{2, -1, 0}), "[2, ?, 0]");
}

TEST(Tensor, DefaultHoldsNothing) {
  Tensor tensor;
  EXPECT_FALSE(tensor.valid());
  EXPECT_EQ(tensor.num_elements(), 0);
  EXPECT_EQ(tensor.num_bytes(), 0u);
  EXPECT_EQ(tensor.data(), nullptr);
  EXPECT_THROW(tensor.strings(), InvalidArgumentError);
}

TEST(Tensor, EmptyIsAlignedForEveryDType) {
  for (DType dtype : kPlainDTypes) {
    for (std::int64_t size : {1, 3, 64, 1000}) {
      Tensor tensor = Tensor::Empty(dtype, {size, 3});
      ASSERT_TRUE(tensor.valid());
      EXPECT_EQ(tensor.dtype(), dtype);
      EXPECT_EQ(tensor.shape(), (Shape{size, 3}));
      EXPECT_EQ(tensor.num_elements(), 3 * size);
      ASSERT_EQ(tensor.num_bytes(), static_cast<std::size_t>(3 * size) * ElementSize(dtype));
      EXPECT_TRUE(IsAligned(tensor.data())) << Name(dtype) << " " << size;
      std::memset(tensor.data(), 1, tensor.num_bytes());
    }
  }
}

TEST(Tensor, ScalarHasOneElement) {
  const Tensor scalar = Tensor::From<float>({7}, {});
  EXPECT_TRUE(scalar.shape().empty());
  EXPECT_EQ(scalar.num_elements(), 1);
  EXPECT_EQ(*scalar.data<float>(), 7);
}

TEST(Tensor, ZeroSizeIsValidWithoutData) {
  const std::vector<Shape> shapes = {{0}, {3, 0, 2}, {0, kLargest, kLargest}, {kLargest, kLargest, 0}};
  for (const Shape& shape : shapes) {
    const Tensor tensor = Tensor::Empty(DType::kFloat64, shape);
    EXPECT_TRUE(tensor.valid());
    EXPECT_EQ(tensor.shape(), shape);
    EXPECT_EQ(tensor.num_elements(), 0);
    EXPECT_EQ(tensor.num_bytes(), 0u);
    EXPECT_EQ(tensor.data(), nullptr);
  }
  EXPECT_TRUE(Tensor::Copy(nullptr, DType::kInt8, {0}).valid());
  EXPECT_TRUE(Tensor::Borrow(nullptr, DType::kInt8, {0}, nullptr).valid());
  EXPECT_TRUE(Tensor::Strings({}, {0, 5}).strings().empty());
}

TEST(Tensor, NegativeDimensionIsAnError) {
  const std::vector<Shape> shapes = {{-1}, {2, -3}, {0, -1}, {kLargest, kLargest, -1}};
  for (const Shape& shape : shapes) {
    ExpectContains(MessageOf<InvalidArgumentError>([&] { Tensor::Empty(DType::kFloat32, shape); }), "negative");
    EXPECT_THROW(Tensor::Empty(DType::kString, shape), InvalidArgumentError);
    EXPECT_THROW(Tensor::From<float>({}, shape), InvalidArgumentError);
    EXPECT_THROW(Tensor::Strings({}, shape), InvalidArgumentError);
    EXPECT_THROW(Tensor::Borrow(nullptr, DType::kFloat32, shape, nullptr), InvalidArgumentError);
  }
  ExpectContains(MessageOf<InvalidArgumentError>([] { Tensor::Empty(DType::kFloat32, {2, -3}); }), "[2, -3]");
}

TEST(Tensor, MinusOneIsNamedInTheMessage) {
  ExpectContains(MessageOf<InvalidArgumentError>([] { Tensor::Empty(DType::kFloat32, {2, -1}); }), "-1");
}

TEST(Tensor, SizeThatOverflowsIsAnError) {
  const std::vector<Shape> shapes = {{kLargest}, {kLargest, 2}, {std::int64_t{1} << 32, std::int64_t{1} << 31, 4}};
  for (const Shape& shape : shapes) {
    for (DType dtype : {DType::kFloat32, DType::kComplex128, DType::kString}) {
      ExpectContains(MessageOf<InvalidArgumentError>([&] { Tensor::Empty(dtype, shape); }), ToString(shape));
    }
  }
  float element = 0;
  EXPECT_THROW(Tensor::Borrow(&element, DType::kFloat32, {kLargest}, nullptr), InvalidArgumentError);
  EXPECT_THROW(Tensor::Copy(&element, DType::kFloat32, {kLargest}), InvalidArgumentError);
}

// More than the 2^47 bytes that a process can address.
TEST(Tensor, SizeThatDoesNotFitIntoMemoryIsAnError) {
  ExpectContains(MessageOf<InvalidArgumentError>([] { Tensor::Empty(DType::kUInt8, {std::int64_t{1} << 50}); }),
                 "no memory");
}

TEST(Tensor, StringsThatDoNotFitIntoMemoryAreAnError) {
  ExpectContains(MessageOf<InvalidArgumentError>([] { Tensor::Empty(DType::kString, {std::int64_t{1} << 50}); }),
                 "no memory");
}

TEST(Tensor, CopyTakesUnalignedDataAndKeepsNoneOfIt) {
  alignas(64) std::array<char, 64> bytes = {};
  const float values[] = {1, 2, 3};
  std::memcpy(&bytes[1], values, sizeof(values));
  const Tensor tensor = Tensor::Copy(&bytes[1], DType::kFloat32, {3});
  bytes.fill(0);
  EXPECT_TRUE(IsAligned(tensor.data()));
  EXPECT_EQ(std::memcmp(tensor.data(), values, sizeof(values)), 0);
}

TEST(Tensor, NullDataIsAnErrorIfThereAreElements) {
  EXPECT_THROW(Tensor::Copy(nullptr, DType::kFloat32, {2}), InvalidArgumentError);
  EXPECT_THROW(Tensor::Borrow(nullptr, DType::kFloat32, {2}, nullptr), InvalidArgumentError);
}

TEST(Tensor, StringsHaveAFunctionOfTheirOwn) {
  char bytes[32] = {};
  for (const std::string& message :
       {MessageOf<InvalidArgumentError>([&] { Tensor::Copy(bytes, DType::kString, {1}); }),
        MessageOf<InvalidArgumentError>([&] { Tensor::Borrow(bytes, DType::kString, {1}, nullptr); })}) {
    ExpectContains(message, "Tensor::Strings");
  }
}

TEST(Tensor, BorrowSharesMemoryAndReleasesTheOwnerLast) {
  float values[] = {1, 2};
  std::string log;
  {
    Tensor first = Tensor::Borrow(values, DType::kFloat32, {2}, LoggingOwner(log, values));
    EXPECT_EQ(first.data(), values);
    Tensor second = first;
    first = Tensor();
    log += "first-gone ";
    values[1] = 5;
    EXPECT_EQ(second.data<float>()[1], 5);
  }
  log += "all-gone";
  EXPECT_EQ(log, "first-gone released all-gone");
}

TEST(Tensor, BorrowedOwnerWithoutAnObjectIsReleasedLastToo) {
  float value = 1;
  std::string log;
  {
    const Tensor tensor = Tensor::Borrow(&value, DType::kFloat32, {}, LoggingOwner(log));
    EXPECT_TRUE(tensor.valid());
    log += "in-use ";
  }
  EXPECT_EQ(log, "in-use released ");
}

TEST(Tensor, BorrowReleasesTheOwnerIfItThrows) {
  float value = 1;
  std::string log;
  EXPECT_THROW(Tensor::Borrow(&value, DType::kFloat32, {-1}, LoggingOwner(log, &value)), InvalidArgumentError);
  EXPECT_EQ(log, "released ");
}

TEST(Tensor, BorrowAcceptsAnyAddressAndNoOwner) {
  alignas(64) std::array<char, 8> bytes = {};
  const Tensor tensor = Tensor::Borrow(&bytes[1], DType::kInt8, {7}, nullptr);
  EXPECT_TRUE(tensor.valid());
  EXPECT_EQ(tensor.data(), &bytes[1]);
}

TEST(Tensor, CopiesShareElements) {
  Tensor tensor = Tensor::From<std::int32_t>({1, 2}, {2});
  Tensor copy = tensor;
  copy.data<std::int32_t>()[0] = 9;
  EXPECT_EQ(tensor.data<std::int32_t>()[0], 9);

  Tensor strings = Tensor::Strings({"a"}, {1});
  const Tensor strings_copy = strings;
  strings.strings()[0] = "b";
  EXPECT_EQ(strings_copy.strings()[0], "b");
}

TEST(Tensor, MovedFromHoldsNothing) {
  Tensor tensor = Tensor::From<float>({1, 2}, {2});
  const void* data = tensor.data();
  const Tensor moved = std::move(tensor);
  EXPECT_EQ(moved.data(), data);
  EXPECT_FALSE(tensor.valid());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(tensor.num_elements(), 0);
  EXPECT_EQ(tensor.data(), nullptr);
}

template <typename T>
void ExpectFrom(const std::vector<T>& values) {
  const Tensor tensor = Tensor::From(values, {static_cast<std::int64_t>(values.size())});
  EXPECT_EQ(tensor.dtype(), DTypeOf<T>());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(tensor.data<T>()[i], values[i]);
}

TEST(Tensor, FromTakesEveryCppType) {
  ExpectFrom<float>({1, 2});
  ExpectFrom<double>({1, 2});
  ExpectFrom<std::int8_t>({-1, 2});
  ExpectFrom<std::int16_t>({-1, 2});
  ExpectFrom<std::int32_t>({-1, 2});
  ExpectFrom<std::int64_t>({-1, 2});
  ExpectFrom<std::uint8_t>({1, 2});
  ExpectFrom<std::uint16_t>({1, 2});
  ExpectFrom<std::uint32_t>({1, 2});
  ExpectFrom<std::uint64_t>({1, 2});
  ExpectFrom<std::complex<float>>({{1, 2}, {3, 4}});
  ExpectFrom<std::complex<double>>({{1, 2}, {3, 4}});
}

TEST(Tensor, NumberOfValuesMustFitTheShape) {
  const std::string message = MessageOf<InvalidArgumentError>([] { Tensor::From<float>({1, 2, 3}, {2, 2}); });
  ExpectContains(message, "[2, 2] has 4 elements");
  ExpectContains(message, "3 values");
  EXPECT_THROW(Tensor::Strings({"a"}, {2}), InvalidArgumentError);
  EXPECT_THROW(Tensor::Strings({}, {}), InvalidArgumentError);
}

TEST(Tensor, TypedDataOfAnotherTypeIsAnError) {
  Tensor tensor = Tensor::From<float>({1}, {1});
  const Tensor& constant = tensor;
  const std::string message = MessageOf<InvalidArgumentError>([&] { tensor.data<double>(); });
  ExpectContains(message, "float32");
  ExpectContains(message, "float64");
  EXPECT_THROW(constant.data<std::int32_t>(), InvalidArgumentError);
  EXPECT_THROW(tensor.strings(), InvalidArgumentError);
  EXPECT_THROW(Tensor::Strings({"a"}, {}).data<float>(), InvalidArgumentError);
}

TEST(Tensor, StringsHoldAnyBytes) {
  const std::vector<std::string> values = {"", std::string("a\0b", 3), std::string(100000, 'x')};
  const Tensor tensor = Tensor::Strings(values, {3, 1});
  EXPECT_EQ(tensor.dtype(), DType::kString);
  EXPECT_EQ(tensor.num_elements(), 3);
  EXPECT_EQ(tensor.num_bytes(), 0u);
  EXPECT_EQ(tensor.data(), nullptr);
  EXPECT_EQ(tensor.strings(), values);
}

TEST(Tensor, EmptyStringsAreEmptyStrings) {
  const Tensor tensor = Tensor::Empty(DType::kString, {2, 2});
  EXPECT_EQ(tensor.strings(), std::vector<std::string>(4));
}

}  // namespace
}  // namespace tftrt
