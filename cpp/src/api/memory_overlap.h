#ifndef TFTRT_API_MEMORY_OVERLAP_H_
#define TFTRT_API_MEMORY_OVERLAP_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "api/backend.h"

namespace tftrt {

// Whether two pieces of memory have a byte in common.
inline bool Overlap(const void* a, std::size_t a_bytes, const void* b, std::size_t b_bytes) {
  const auto first = reinterpret_cast<std::uintptr_t>(a);
  const auto second = reinterpret_cast<std::uintptr_t>(b);
  return a_bytes != 0 && b_bytes != 0 && first < second + b_bytes && second < first + a_bytes;
}

// Whether a run writes to the memory: one of `outputs` is bound to it, or to a part of it.
inline bool IsWrittenTo(const void* data, std::size_t bytes, const std::vector<BoundOutput>& outputs) {
  return std::any_of(outputs.begin(), outputs.end(), [&](const BoundOutput& output) {
    const Tensor& memory = output.memory;
    return memory.valid() && Overlap(data, bytes, memory.data(), memory.num_bytes());
  });
}

// Whether a run writes to the memory of an input.
inline bool AnyIsWrittenTo(const std::vector<Tensor>& inputs, const std::vector<BoundOutput>& outputs) {
  return std::any_of(inputs.begin(), inputs.end(), [&](const Tensor& input) {
    return input.dtype() != DType::kString && IsWrittenTo(input.data(), input.num_bytes(), outputs);
  });
}

}  // namespace tftrt

#endif  // TFTRT_API_MEMORY_OVERLAP_H_
