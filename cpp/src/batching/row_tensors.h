#ifndef TFTRT_BATCHING_ROW_TENSORS_H_
#define TFTRT_BATCHING_ROW_TENSORS_H_

#include <cstdint>
#include <vector>

#include "tftrt/tensor.h"

namespace tftrt {

// Tensors of the same dtype and row shape, one below the other; then zeros, up to `rows` in all.
Tensor StackRows(const std::vector<const Tensor*>& parts, std::int64_t rows);

// A copy of `count` rows from `first` on.
Tensor CopyRows(const Tensor& tensor, std::int64_t first, std::int64_t count);

}  // namespace tftrt

#endif  // TFTRT_BATCHING_ROW_TENSORS_H_
