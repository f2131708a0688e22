#include "tftrt/dtype.h"

#include <gtest/gtest.h>

#include "all_dtypes.h"

namespace tftrt {
namespace {

TEST(DType, NamesAreNumpys) {
  std::string names;
  for (DType dtype : kPlainDTypes) names += std::string(Name(dtype)) + " ";
  EXPECT_EQ(names,
            "float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64 "
            "complex128 ");
  EXPECT_EQ(Name(DType::kString), "string");
}

template <typename T>
void ExpectTypeOf(DType dtype) {
  static_assert(DTypeOf<T>() != DType::kString);
  EXPECT_EQ(DTypeOf<T>(), dtype);
  EXPECT_EQ(ElementSize(dtype), sizeof(T)) << Name(dtype);
}

TEST(DType, CppTypesHaveTheirSizes) {
  ExpectTypeOf<float>(DType::kFloat32);
  ExpectTypeOf<double>(DType::kFloat64);
  ExpectTypeOf<std::int8_t>(DType::kInt8);
  ExpectTypeOf<std::int16_t>(DType::kInt16);
  ExpectTypeOf<std::int32_t>(DType::kInt32);
  ExpectTypeOf<std::int64_t>(DType::kInt64);
  ExpectTypeOf<std::uint8_t>(DType::kUInt8);
  ExpectTypeOf<std::uint16_t>(DType::kUInt16);
  ExpectTypeOf<std::uint32_t>(DType::kUInt32);
  ExpectTypeOf<std::uint64_t>(DType::kUInt64);
  ExpectTypeOf<bool>(DType::kBool);
  ExpectTypeOf<std::complex<float>>(DType::kComplex64);
  ExpectTypeOf<std::complex<double>>(DType::kComplex128);
}

TEST(DType, OthersHaveASizeOfTheirOwn) {
  EXPECT_EQ(ElementSize(DType::kFloat16), 2u);
  EXPECT_EQ(ElementSize(DType::kBFloat16), 2u);
  EXPECT_EQ(ElementSize(DType::kString), 0u);
}

}  // namespace
}  // namespace tftrt
