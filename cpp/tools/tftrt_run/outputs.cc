#include "outputs.h"

#include <algorithm>
#include <complex>
#include <cstdint>
#include <sstream>

#include "common/half.h"
#include "number_range.h"
#include "tftrt/error.h"

namespace tftrt::run {
namespace {

constexpr std::int64_t kShown = 5;

template <typename T>
double Size(T number) {
  return static_cast<double>(number);
}

template <typename T>
double Size(std::complex<T> number) {
  return std::abs(number);
}

template <typename T>
void Print(T number, std::ostream& text) {
  text << number;
}

template <typename T>
void Print(std::complex<T> number, std::ostream& text) {
  text << number.real() << std::showpos << number.imag() << std::noshowpos << "j";
}

// `value` makes numbers of T's.
template <typename T, typename Value>
void Numbers(const Tensor& tensor, Value value, std::ostream& text) {
  const T* elements = static_cast<const T*>(tensor.data());
  NumberRange range;
  for (std::int64_t i = 0; i < tensor.num_elements(); ++i) range.Add(Size(value(elements[i])));
  range.Print(text);
  text << ";";
  for (std::int64_t i = 0; i < std::min(tensor.num_elements(), kShown); ++i) {
    text << " ";
    Print(value(elements[i]), text);
  }
}

template <typename T>
void Numbers(const Tensor& tensor, std::ostream& text) {
  // Bytes become integers, which are not printed as characters.
  Numbers<T>(tensor, [](T element) { return +element; }, text);
}

void Strings(const Tensor& tensor, std::ostream& text) {
  for (std::int64_t i = 0; i < std::min(tensor.num_elements(), kShown); ++i) {
    text << (i == 0 ? "" : " ") << "\"" << tensor.strings()[static_cast<std::size_t>(i)] << "\"";
  }
}

void Elements(const Tensor& tensor, std::ostream& text) {
  switch (tensor.dtype()) {
    case DType::kFloat16:
      return Numbers<std::uint16_t>(tensor, tools::FromFloat16, text);
    case DType::kBFloat16:
      return Numbers<std::uint16_t>(tensor, tools::FromBFloat16, text);
    case DType::kFloat32:
      return Numbers<float>(tensor, text);
    case DType::kFloat64:
      return Numbers<double>(tensor, text);
    case DType::kInt8:
      return Numbers<std::int8_t>(tensor, text);
    case DType::kInt16:
      return Numbers<std::int16_t>(tensor, text);
    case DType::kInt32:
      return Numbers<std::int32_t>(tensor, text);
    case DType::kInt64:
      return Numbers<std::int64_t>(tensor, text);
    case DType::kUInt8:
      return Numbers<std::uint8_t>(tensor, text);
    case DType::kUInt16:
      return Numbers<std::uint16_t>(tensor, text);
    case DType::kUInt32:
      return Numbers<std::uint32_t>(tensor, text);
    case DType::kUInt64:
      return Numbers<std::uint64_t>(tensor, text);
    case DType::kBool:
      return Numbers<bool>(tensor, text);
    case DType::kComplex64:
      text << "magnitudes ";
      return Numbers<std::complex<float>>(tensor, text);
    case DType::kComplex128:
      text << "magnitudes ";
      return Numbers<std::complex<double>>(tensor, text);
    case DType::kString:
      return Strings(tensor, text);
  }
}

}  // namespace

std::string Summarise(const Tensor& tensor) {
  std::ostringstream text;
  text.precision(6);
  text << Name(tensor.dtype()) << ToString(tensor.shape());
  if (tensor.num_elements() == 0) return text.str();
  text << ": ";
  Elements(tensor, text);
  if (tensor.num_elements() > kShown) text << " ...";
  return text.str();
}

}  // namespace tftrt::run
