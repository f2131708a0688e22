#include "outputs.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <sstream>

#include "tftrt/error.h"

namespace tftrt::run {
namespace {

constexpr std::int64_t kShown = 5;

template <typename T>
void Numbers(const Tensor& tensor, std::ostringstream& text) {
  const T* elements = tensor.data<T>();
  double least = std::numeric_limits<double>::infinity(), most = -least, sum = 0;
  std::int64_t not_numbers = 0;
  for (std::int64_t i = 0; i < tensor.num_elements(); ++i) {
    const auto element = static_cast<double>(elements[i]);
    if (std::isnan(element)) {
      ++not_numbers;
      continue;
    }
    least = std::min(least, element);
    most = std::max(most, element);
    sum += element;
  }
  const std::int64_t numbers = tensor.num_elements() - not_numbers;
  if (numbers > 0) text << ": " << least << " to " << most << ", mean " << sum / static_cast<double>(numbers);
  if (not_numbers > 0) text << (numbers > 0 ? ", " : ": ") << not_numbers << " not a number";
  text << ";";
  for (std::int64_t i = 0; i < std::min(tensor.num_elements(), kShown); ++i) text << " " << +elements[i];
}

void Strings(const Tensor& tensor, std::ostringstream& text) {
  text << ":";
  for (std::int64_t i = 0; i < std::min(tensor.num_elements(), kShown); ++i) {
    text << " \"" << tensor.strings()[static_cast<std::size_t>(i)] << "\"";
  }
}

void Elements(const Tensor& tensor, std::ostringstream& text) {
  switch (tensor.dtype()) {
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
    case DType::kString:
      return Strings(tensor, text);
    default:  // half and complex numbers: C++ prints none
      return;
  }
}

}  // namespace

std::string Summarise(const Tensor& tensor) {
  std::ostringstream text;
  text.precision(6);
  text << Name(tensor.dtype()) << ToString(tensor.shape());
  if (tensor.num_elements() == 0) return text.str();
  Elements(tensor, text);
  if (tensor.num_elements() > kShown) text << " ...";
  return text.str();
}

}  // namespace tftrt::run
