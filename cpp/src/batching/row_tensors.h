#ifndef TFTRT_BATCHING_ROW_TENSORS_H_
#define TFTRT_BATCHING_ROW_TENSORS_H_

#include <cstdint>
#include <vector>

#include "tftrt/tensor.h"

namespace tftrt {

// The rows of `parts`, which have the same dtype and row shape and at least one row, concatenated along the first
// dimension; then copies of the last row, up to `rows` in all.
Tensor StackRows(const std::vector<const Tensor*>& parts, std::int64_t rows);

// A copy of `count` rows from `first` on.
Tensor CopyRows(const Tensor& tensor, std::int64_t first, std::int64_t count);

// Whether no two rows are equal. A row is that of all `tensors`, which have as many rows.
bool AllRowsDiffer(const std::vector<Tensor>& tensors);

// Whether `shared` begins with the rows of `parts`: with their shapes exactly, floating-point numbers within
// `tolerance` of the range of all values in `parts`, and 99 % of all other elements.
bool RowsAgree(const std::vector<const Tensor*>& parts, const Tensor& shared, double tolerance);

}  // namespace tftrt

#endif  // TFTRT_BATCHING_ROW_TENSORS_H_
