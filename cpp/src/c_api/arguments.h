#ifndef TFTRT_C_API_ARGUMENTS_H_
#define TFTRT_C_API_ARGUMENTS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "tftrt/c_api.h"
#include "tftrt/error.h"
#include "tftrt/model.h"

namespace tftrt::c_api {

[[noreturn]] void ThrowNull(const char* argument);

// Throws InvalidArgumentError if the pointer for this argument is null.
template <typename T>
void Require(const T* pointer, const char* argument) {
  if (pointer == nullptr) ThrowNull(argument);
}

// The same for where a handle goes, which becomes null first.
template <typename T>
void RequireHandle(T** handle, const char* argument) {
  Require(handle, argument);
  *handle = nullptr;
}

// Makes null or 0 what a function returns, which is how it stays if that fails. Of several results some may be missing.
template <typename... Results>
void Clear(Results*... results) {
  ((results == nullptr ? void() : void(*results = Results())), ...);
}

// What C passes as pointer and count. Throws InvalidArgumentError for null pointers, a rank above TFTRT_MAX_RANK and a
// number that is no dtype.
std::vector<std::string> Texts(const char* const* texts, std::size_t count, const char* argument);
Shape ShapeFrom(const std::int64_t* dims, std::size_t rank);
DType DTypeFrom(tftrt_dtype dtype);
NamedTensors TensorsFrom(const tftrt_named_tensor* tensors, std::size_t count, const char* argument);
NamedShapes ShapesFrom(const tftrt_named_shape* shapes, std::size_t count);

// Throws InvalidArgumentError if there is no such item.
void CheckIndex(std::size_t index, std::size_t count, const char* what);

// The item of this index. Throws InvalidArgumentError if there is none.
template <typename T>
const T& At(const std::vector<T>& items, std::size_t index, const char* what) {
  CheckIndex(index, items.size(), what);
  return items[index];
}

}  // namespace tftrt::c_api

#endif  // TFTRT_C_API_ARGUMENTS_H_
