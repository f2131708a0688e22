#include "c_api/arguments.h"

#include "c_api/tensor.h"

namespace tftrt::c_api {
namespace {

std::string Item(const char* argument, std::size_t index) {
  return std::string(argument) + "[" + std::to_string(index) + "]";
}

template <typename T>
void RequireArray(const T* array, std::size_t count, const char* argument) {
  if (array != nullptr || count == 0) return;
  throw InvalidArgumentError(std::string(argument) + " is NULL, but " + std::to_string(count) +
                             " items were announced");
}

}  // namespace

void ThrowNull(const char* argument) { throw InvalidArgumentError(std::string(argument) + " is NULL"); }

std::vector<std::string> Texts(const char* const* texts, std::size_t count, const char* argument) {
  RequireArray(texts, count, argument);
  std::vector<std::string> result;
  for (std::size_t i = 0; i < count; ++i) {
    Require(texts[i], Item(argument, i).c_str());
    result.emplace_back(texts[i]);
  }
  return result;
}

Shape ShapeFrom(const std::int64_t* dims, std::size_t rank) {
  if (rank > TFTRT_MAX_RANK) {
    throw InvalidArgumentError("the rank is " + std::to_string(rank) + "; expected 0 to " +
                               std::to_string(TFTRT_MAX_RANK));
  }
  RequireArray(dims, rank, "dims");
  return Shape(dims, dims + rank);
}

DType DTypeFrom(tftrt_dtype dtype) {
  if (dtype < TFTRT_FLOAT16 || dtype > TFTRT_STRING) {
    throw InvalidArgumentError(std::to_string(dtype) + " is no dtype; expected one of TFTRT_FLOAT16 (" +
                               std::to_string(TFTRT_FLOAT16) + ") to TFTRT_STRING (" + std::to_string(TFTRT_STRING) +
                               ")");
  }
  return static_cast<DType>(dtype);
}

NamedTensors TensorsFrom(const tftrt_named_tensor* tensors, std::size_t count, const char* argument) {
  RequireArray(tensors, count, argument);
  NamedTensors result;
  for (std::size_t i = 0; i < count; ++i) {
    Require(tensors[i].name, (Item(argument, i) + ".name").c_str());
    Require(tensors[i].tensor, (Item(argument, i) + ".tensor").c_str());
    result.emplace_back(tensors[i].name, tensors[i].tensor->tensor);
  }
  return result;
}

NamedShapes ShapesFrom(const tftrt_named_shape* shapes, std::size_t count) {
  RequireArray(shapes, count, "shapes");
  NamedShapes result;
  for (std::size_t i = 0; i < count; ++i) {
    Require(shapes[i].name, (Item("shapes", i) + ".name").c_str());
    result.emplace_back(shapes[i].name, ShapeFrom(shapes[i].shape.dims, shapes[i].shape.rank));
  }
  return result;
}

void CheckIndex(std::size_t index, std::size_t count, const char* what) {
  if (index < count) return;
  throw InvalidArgumentError("there is no " + std::string(what) + " " + std::to_string(index) + "; there are " +
                             std::to_string(count) + ", counted from 0");
}

}  // namespace tftrt::c_api
