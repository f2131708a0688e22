#include "common/inputs.h"

#include <cstdint>
#include <random>

namespace tftrt::tools {
namespace {

template <typename T, typename Distribution>
void FillAs(Distribution distribution, Tensor& tensor) {
  std::mt19937 generator(0);
  T* elements = tensor.data<T>();
  for (std::int64_t i = 0; i < tensor.num_elements(); ++i) elements[i] = static_cast<T>(distribution(generator));
}

}  // namespace

Shape ShapeOf(const TensorSpec& spec, const InputShapes& shapes) {
  const auto given = shapes.shapes.find(spec.name);
  if (given != shapes.shapes.end()) return given->second;
  if (!spec.known_rank) throw InvalidArgumentError("the shape of " + ToString(spec) + " is not known; give --shapes");
  Shape shape = spec.shape;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1) shape[i] = i == 0 ? shapes.batch : shapes.size;
  }
  return shape;
}

void FillRandom(const TensorSpec& spec, Tensor& tensor) {
  const std::uniform_real_distribution<double> real(0, 1);
  const std::uniform_int_distribution<int> integer(0, 9);
  switch (spec.dtype) {
    case DType::kFloat32:
      return FillAs<float>(real, tensor);
    case DType::kFloat64:
      return FillAs<double>(real, tensor);
    case DType::kInt32:
      return FillAs<std::int32_t>(integer, tensor);
    case DType::kInt64:
      return FillAs<std::int64_t>(integer, tensor);
    case DType::kUInt8:
      return FillAs<std::uint8_t>(integer, tensor);
    default:
      throw UnsupportedError("no random numbers for " + ToString(spec));
  }
}

}  // namespace tftrt::tools
