#include "batching/row_tensors.h"

#include <cstring>
#include <utility>

namespace tftrt {
namespace {

Shape WithRows(Shape shape, std::int64_t rows) {
  shape.front() = rows;
  return shape;
}

}  // namespace

Tensor StackRows(const std::vector<const Tensor*>& parts, std::int64_t rows) {
  Tensor result = Tensor::Empty(parts.front()->dtype(), WithRows(parts.front()->shape(), rows));
  auto* to = static_cast<char*>(result.data());
  const char* const end = to + result.num_bytes();
  for (const Tensor* part : parts) {
    if (part->num_bytes() != 0) std::memcpy(to, part->data(), part->num_bytes());
    to += part->num_bytes();
  }
  if (to != end) std::memset(to, 0, static_cast<std::size_t>(end - to));
  return result;
}

Tensor CopyRows(const Tensor& tensor, std::int64_t first, std::int64_t count) {
  Tensor result = Tensor::Empty(tensor.dtype(), WithRows(tensor.shape(), count));
  const std::size_t row = tensor.num_bytes() / static_cast<std::size_t>(tensor.shape().front());
  if (result.num_bytes() == 0) return result;
  std::memcpy(result.data(), static_cast<const char*>(tensor.data()) + row * static_cast<std::size_t>(first),
              result.num_bytes());
  return result;
}

}  // namespace tftrt
