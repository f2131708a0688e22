#include "common/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tftrt::tools {
namespace {

using FromBits = float (*)(std::uint16_t);
using ToBits = std::uint16_t (*)(float);

// Each pattern that is a number comes back, and what lies between it and the next goes to the nearer one.
void ExpectRounded(FromBits from, ToBits to, std::uint16_t infinity) {
  for (std::uint16_t bits = 0; bits < infinity; ++bits) {
    const float number = from(bits);
    ASSERT_EQ(to(number), bits);
    ASSERT_EQ(to(-number), bits | 0x8000);
    const float next = from(static_cast<std::uint16_t>(bits + 1));
    if (std::isinf(next)) continue;
    ASSERT_LT(number, next);
    const float middle = number + (next - number) / 2;
    ASSERT_EQ(to(middle), bits % 2 == 0 ? bits : bits + 1);
    ASSERT_EQ(to(std::nextafter(middle, number)), bits);
    ASSERT_EQ(to(std::nextafter(middle, next)), bits + 1);
  }
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(from(infinity), inf);
  EXPECT_EQ(to(inf), infinity);
  EXPECT_EQ(to(-inf), infinity | 0x8000);
  EXPECT_TRUE(std::isnan(from(static_cast<std::uint16_t>(infinity + 1))));
  EXPECT_TRUE(std::isnan(from(to(std::nanf("")))));
}

TEST(Half, Float16RoundsToTheNearest) {
  ExpectRounded(FromFloat16, ToFloat16, 0x7c00);
  EXPECT_EQ(FromFloat16(0x0001), std::ldexp(1.0f, -24));
  EXPECT_EQ(FromFloat16(0x3c00), 1.0f);
  EXPECT_EQ(FromFloat16(0x7bff), 65504.0f);
  EXPECT_EQ(ToFloat16(std::nextafter(65520.0f, 0.0f)), 0x7bff);
  EXPECT_EQ(ToFloat16(65520.0f), 0x7c00);
  EXPECT_EQ(ToFloat16(std::numeric_limits<float>::max()), 0x7c00);
}

TEST(Half, BFloat16RoundsToTheNearest) {
  ExpectRounded(FromBFloat16, ToBFloat16, 0x7f80);
  EXPECT_EQ(FromBFloat16(0x3f80), 1.0f);
  EXPECT_EQ(FromBFloat16(0xc040), -3.0f);
  EXPECT_EQ(ToBFloat16(std::numeric_limits<float>::max()), 0x7f80);
}

}  // namespace
}  // namespace tftrt::tools
