#include "common/inputs.h"

#include <complex>
#include <cstdint>
#include <random>

#include "common/half.h"

namespace tftrt::tools {
namespace {

using Generator = std::mt19937;

template <typename T, typename Make>
void Fill(Tensor& tensor, Make make) {
  Generator generator(0);
  T* elements = static_cast<T*>(tensor.data());
  for (std::int64_t i = 0; i < tensor.num_elements(); ++i) elements[i] = static_cast<T>(make(generator));
}

void FillStrings(Tensor& tensor) {
  Generator generator(0);
  std::uniform_int_distribution<int> either(0, 1);
  for (std::string& element : tensor.strings()) element = either(generator) == 0 ? "a" : "b";
}

}  // namespace

void CheckInput(const std::string& flag, const std::string& name, const Model& model) {
  std::string names;
  for (const TensorSpec& spec : model.inputs()) {
    if (spec.name == name) return;
    names += (names.empty() ? "" : ", ") + spec.name;
  }
  throw InvalidArgumentError("--" + flag + " names \"" + name + "\", which signature " + model.signature() +
                             " does not have; " + (names.empty() ? "it has no inputs" : "expected " + names));
}

void CheckShapes(const InputShapes& shapes, const Model& model) {
  for (const auto& [name, shape] : shapes.shapes) CheckInput("shapes", name, model);
}

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

bool IsLeftOut(const TensorSpec& spec, const InputShapes& shapes) {
  return spec.default_value.valid() && shapes.shapes.count(spec.name) == 0;
}

void FillRandom(const TensorSpec& spec, Tensor& tensor) {
  std::uniform_real_distribution<double> real(0, 1);
  const std::uniform_int_distribution<int> integer(0, 9);
  switch (spec.dtype) {
    case DType::kFloat16:
      return Fill<std::uint16_t>(tensor, [&](Generator& g) { return ToFloat16(static_cast<float>(real(g))); });
    case DType::kBFloat16:
      return Fill<std::uint16_t>(tensor, [&](Generator& g) { return ToBFloat16(static_cast<float>(real(g))); });
    case DType::kFloat32:
      return Fill<float>(tensor, real);
    case DType::kFloat64:
      return Fill<double>(tensor, real);
    case DType::kInt8:
      return Fill<std::int8_t>(tensor, integer);
    case DType::kInt16:
      return Fill<std::int16_t>(tensor, integer);
    case DType::kInt32:
      return Fill<std::int32_t>(tensor, integer);
    case DType::kInt64:
      return Fill<std::int64_t>(tensor, integer);
    case DType::kUInt8:
      return Fill<std::uint8_t>(tensor, integer);
    case DType::kUInt16:
      return Fill<std::uint16_t>(tensor, integer);
    case DType::kUInt32:
      return Fill<std::uint32_t>(tensor, integer);
    case DType::kUInt64:
      return Fill<std::uint64_t>(tensor, integer);
    case DType::kBool:
      return Fill<bool>(tensor, std::uniform_int_distribution<int>(0, 1));
    case DType::kComplex64:
      return Fill<std::complex<float>>(tensor, [&](Generator& g) { return static_cast<float>(real(g)); });
    case DType::kComplex128:
      return Fill<std::complex<double>>(tensor, real);
    case DType::kString:
      return FillStrings(tensor);
  }
}

}  // namespace tftrt::tools
