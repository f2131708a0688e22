#ifndef TFTRT_DTYPE_H_
#define TFTRT_DTYPE_H_

#include <complex>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tftrt/export.h"

namespace tftrt {

// Element types of tensors. kFloat16 and kBFloat16 hold raw 16-bit patterns (C++17 has no such types).
enum class DType : std::uint8_t {
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUInt8,
  kUInt16,
  kUInt32,
  kUInt64,
  kBool,
  kComplex64,
  kComplex128,
  kString,
};

// "float32", "string", ...: the names that numpy and TensorFlow use.
TFTRT_EXPORT std::string_view Name(DType dtype);

// Bytes of one element; 0 for kString, whose elements vary.
TFTRT_EXPORT std::size_t ElementSize(DType dtype);

// The dtype of a C++ element type: DTypeOf<float>() is DType::kFloat32. Other types do not compile.
template <typename T>
constexpr DType DTypeOf();
template <>
constexpr DType DTypeOf<float>() {
  return DType::kFloat32;
}
template <>
constexpr DType DTypeOf<double>() {
  return DType::kFloat64;
}
template <>
constexpr DType DTypeOf<std::int8_t>() {
  return DType::kInt8;
}
template <>
constexpr DType DTypeOf<std::int16_t>() {
  return DType::kInt16;
}
template <>
constexpr DType DTypeOf<std::int32_t>() {
  return DType::kInt32;
}
template <>
constexpr DType DTypeOf<std::int64_t>() {
  return DType::kInt64;
}
template <>
constexpr DType DTypeOf<std::uint8_t>() {
  return DType::kUInt8;
}
template <>
constexpr DType DTypeOf<std::uint16_t>() {
  return DType::kUInt16;
}
template <>
constexpr DType DTypeOf<std::uint32_t>() {
  return DType::kUInt32;
}
template <>
constexpr DType DTypeOf<std::uint64_t>() {
  return DType::kUInt64;
}
template <>
constexpr DType DTypeOf<bool>() {
  return DType::kBool;
}
template <>
constexpr DType DTypeOf<std::complex<float>>() {
  return DType::kComplex64;
}
template <>
constexpr DType DTypeOf<std::complex<double>>() {
  return DType::kComplex128;
}

}  // namespace tftrt

#endif  // TFTRT_DTYPE_H_
