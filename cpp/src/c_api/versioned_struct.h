#ifndef TFTRT_C_API_VERSIONED_STRUCT_H_
#define TFTRT_C_API_VERSIONED_STRUCT_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <type_traits>

#include "tftrt/error.h"

// Structs that begin with struct_size. Every field of later versions begins where the struct of the version before
// ends, so none may end with padding.
namespace tftrt::c_api {

inline constexpr std::size_t kWord = sizeof(std::size_t);

// Larger ones are struct_size fields that nobody set.
inline constexpr std::size_t kMaxStructSize = 65536;

inline bool Plausible(std::size_t size) { return size >= kWord && size <= kMaxStructSize && size % kWord == 0; }

template <typename T>
void CheckStructSize(const T& given, const char* name) {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) == kWord && offsetof(T, struct_size) == 0);
  if (Plausible(given.struct_size)) return;
  throw InvalidArgumentError(std::string(name) + ": struct_size is " + std::to_string(given.struct_size) +
                             "; expected sizeof(" + name + "), which is " + std::to_string(sizeof(T)) +
                             " in this version of tftrt (" TFTRT_VERSION ")");
}

// The caller's option struct: as many of its fields as it has, `defaults` for the rest and if it is null.
template <typename T>
T ReadStruct(const T* given, const char* name, const T& defaults) {
  T known = defaults;
  if (given == nullptr) return known;
  CheckStructSize(*given, name);
  const std::size_t size = given->struct_size;
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  for (std::size_t i = sizeof(T); i < size; ++i) {
    if (bytes[i] == 0) continue;
    throw InvalidArgumentError(
        std::string(name) + ": struct_size is " + std::to_string(size) + ", and a field beyond the " +
        std::to_string(sizeof(T)) +
        " bytes that tftrt " TFTRT_VERSION
        " knows is set; run the program with the tftrt that it was compiled with, or a newer one");
  }
  std::memcpy(&known, given, std::min(size, sizeof(T)));
  known.struct_size = sizeof(T);
  return known;
}

// Fills the caller's output struct: as many of the fields of `value` as it has, and zeros beyond.
template <typename T>
void WriteStruct(T* to, const char* name, const T& value) {
  CheckStructSize(*to, name);
  const std::size_t size = to->struct_size;
  auto* bytes = reinterpret_cast<unsigned char*>(to);
  std::memcpy(bytes, &value, std::min(size, sizeof(T)));
  for (std::size_t i = sizeof(T); i < size; ++i) bytes[i] = 0;
  to->struct_size = size;
}

// For ..._init, which has nobody to tell of errors.
template <typename T>
void InitStruct(T* to, std::size_t size, const T& defaults) noexcept {
  if (to == nullptr || !Plausible(size)) return;
  to->struct_size = size;
  auto* bytes = reinterpret_cast<unsigned char*>(to);
  std::memcpy(bytes, &defaults, std::min(size, sizeof(T)));
  for (std::size_t i = sizeof(T); i < size; ++i) bytes[i] = 0;
  to->struct_size = size;
}

}  // namespace tftrt::c_api

#endif  // TFTRT_C_API_VERSIONED_STRUCT_H_
