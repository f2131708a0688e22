#include "common/half.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace tftrt::tools {
namespace {

constexpr std::uint32_t kSign = 0x8000;
constexpr std::uint32_t kFloat16Infinity = 0x7c00;
constexpr std::uint32_t kFloat16NaN = 0x7e00;
constexpr std::uint32_t kBFloat16NaN = 0x7fc0;
constexpr float kFloat16Limit = 65520;  // half a step above the greatest; from here on it is infinity
constexpr int kFloat16LeastExponent = -14;
constexpr int kFloat16MantissaBits = 10;

std::uint16_t Pattern(bool negative, std::uint32_t magnitude) {
  return static_cast<std::uint16_t>((negative ? kSign : 0) | magnitude);
}

}  // namespace

float FromFloat16(std::uint16_t bits) {
  const auto exponent = static_cast<int>((bits & kFloat16Infinity) >> kFloat16MantissaBits);
  const int mantissa = bits & 0x3ff;
  float magnitude = 0;
  if (exponent == 31) {
    magnitude = mantissa == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(mantissa), kFloat16LeastExponent - kFloat16MantissaBits);
  } else {
    magnitude = std::ldexp(static_cast<float>(1024 + mantissa), exponent - 15 - kFloat16MantissaBits);
  }
  return (bits & kSign) != 0 ? -magnitude : magnitude;
}

std::uint16_t ToFloat16(float value) {
  const bool negative = std::signbit(value);
  if (std::isnan(value)) return Pattern(negative, kFloat16NaN);
  const float magnitude = std::fabs(value);
  if (magnitude >= kFloat16Limit) return Pattern(negative, kFloat16Infinity);
  const int exponent = std::max(std::ilogb(magnitude), kFloat16LeastExponent);
  const float steps = std::nearbyint(std::ldexp(magnitude, kFloat16MantissaBits - exponent));
  // The leading bit, which is not stored, adds one to the exponent; so does rounding up to the next power of two.
  const auto stored = static_cast<std::uint32_t>(exponent - kFloat16LeastExponent) << kFloat16MantissaBits;
  return Pattern(negative, stored + static_cast<std::uint32_t>(steps));
}

float FromBFloat16(std::uint16_t bits) {
  const std::uint32_t wide = static_cast<std::uint32_t>(bits) << 16;
  float value = 0;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

std::uint16_t ToBFloat16(float value) {
  if (std::isnan(value)) return Pattern(std::signbit(value), kBFloat16NaN);
  std::uint32_t wide = 0;
  std::memcpy(&wide, &value, sizeof(wide));
  return static_cast<std::uint16_t>((wide + 0x7fff + ((wide >> 16) & 1)) >> 16);
}

}  // namespace tftrt::tools
