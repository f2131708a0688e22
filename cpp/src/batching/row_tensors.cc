#include "batching/row_tensors.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <utility>

#include "tensorflow/core/platform/bfloat16.h"

namespace tftrt {
namespace {

// Of tensors of half precision, whatever the model's own.
constexpr double kHalfTolerance = 2e-2;
// Of elements that are no floating-point numbers.
constexpr std::size_t kOneInMayDiffer = 100;

Shape WithRows(Shape shape, std::int64_t rows) {
  shape.front() = rows;
  return shape;
}

std::size_t Rows(const Tensor& tensor) { return static_cast<std::size_t>(tensor.shape().front()); }

Tensor StackStrings(const std::vector<const Tensor*>& parts, std::int64_t rows) {
  Shape shape = WithRows(parts.front()->shape(), rows);
  std::vector<std::string> values;
  for (const Tensor* part : parts) values.insert(values.end(), part->strings().begin(), part->strings().end());
  const Tensor& last = *parts.back();
  const std::size_t row = last.strings().size() / Rows(last);
  const std::size_t begin = values.size() - row;
  std::size_t all = row;
  if (row != 0) all = row * static_cast<std::size_t>(rows);
  for (std::size_t i = 0; values.size() < all; ++i) values.push_back(values[begin + i % row]);
  return Tensor::Strings(std::move(values), std::move(shape));
}

// Complex numbers are two.
template <typename T>
bool NumbersAgree(const std::vector<const Tensor*>& parts, const Tensor& shared, double tolerance) {
  double lowest = std::numeric_limits<double>::infinity(), highest = -lowest;
  const auto count = [](const Tensor& tensor) { return tensor.num_bytes() / sizeof(T); };
  for (const Tensor* part : parts) {
    const auto* values = static_cast<const T*>(part->data());
    for (std::size_t i = 0; i < count(*part); ++i) {
      const auto value = static_cast<double>(values[i]);
      if (!std::isfinite(value)) continue;
      lowest = std::min(lowest, value);
      highest = std::max(highest, value);
    }
  }
  double range = highest > lowest ? highest - lowest : std::abs(highest);
  if (!std::isfinite(range)) range = 0;
  const auto* found = static_cast<const T*>(shared.data());
  for (const Tensor* part : parts) {
    const auto* values = static_cast<const T*>(part->data());
    for (std::size_t i = 0; i < count(*part); ++i, ++found) {
      const auto a = static_cast<double>(values[i]), b = static_cast<double>(*found);
      if (a == b || (std::isnan(a) && std::isnan(b))) continue;
      // Not true of a NaN.
      if (!(std::abs(a - b) <= tolerance * range)) return false;
    }
  }
  return true;
}

bool ElementsAgree(const std::vector<const Tensor*>& parts, const Tensor& shared) {
  std::size_t total = 0, different = 0;
  if (shared.dtype() == DType::kString) {
    auto found = shared.strings().begin();
    for (const Tensor* part : parts) {
      for (const std::string& value : part->strings()) different += value != *found++;
      total += part->strings().size();
    }
  } else {
    const auto* found = static_cast<const char*>(shared.data());
    for (const Tensor* part : parts) {
      const auto* values = static_cast<const char*>(part->data());
      const auto elements = static_cast<std::size_t>(part->num_elements());
      const std::size_t size = elements == 0 ? 0 : part->num_bytes() / elements;
      for (std::size_t i = 0; i < elements; ++i, values += size, found += size) {
        different += std::memcmp(values, found, size) != 0;
      }
      total += elements;
    }
  }
  return different * kOneInMayDiffer <= total;
}

}  // namespace

Tensor StackRows(const std::vector<const Tensor*>& parts, std::int64_t rows) {
  if (parts.front()->dtype() == DType::kString) return StackStrings(parts, rows);
  Tensor result = Tensor::Empty(parts.front()->dtype(), WithRows(parts.front()->shape(), rows));
  auto* to = static_cast<char*>(result.data());
  const char* const end = to + result.num_bytes();
  for (const Tensor* part : parts) {
    if (part->num_bytes() != 0) std::memcpy(to, part->data(), part->num_bytes());
    to += part->num_bytes();
  }
  const std::size_t row = parts.back()->num_bytes() / Rows(*parts.back());
  for (const char* const last = to - row; to != end; to += row) std::memcpy(to, last, row);
  return result;
}

Tensor CopyRows(const Tensor& tensor, std::int64_t first, std::int64_t count) {
  Shape shape = WithRows(tensor.shape(), count);
  if (tensor.dtype() == DType::kString) {
    const auto row = static_cast<std::int64_t>(tensor.strings().size() / Rows(tensor));
    const auto begin = tensor.strings().begin() + first * row;
    return Tensor::Strings(std::vector<std::string>(begin, begin + count * row), std::move(shape));
  }
  Tensor result = Tensor::Empty(tensor.dtype(), std::move(shape));
  const std::size_t row = tensor.num_bytes() / Rows(tensor);
  if (result.num_bytes() == 0) return result;
  std::memcpy(result.data(), static_cast<const char*>(tensor.data()) + row * static_cast<std::size_t>(first),
              result.num_bytes());
  return result;
}

bool AllRowsDiffer(const std::vector<Tensor>& tensors) {
  const std::size_t rows = Rows(tensors.front());
  std::set<std::string> seen;
  for (std::size_t i = 0; i < rows; ++i) {
    std::string row;
    for (const Tensor& tensor : tensors) {
      if (tensor.dtype() == DType::kString) {
        const std::size_t size = tensor.strings().size() / rows;
        for (std::size_t j = i * size; j < (i + 1) * size; ++j) {
          row += std::to_string(tensor.strings()[j].size()) + ":" + tensor.strings()[j];
        }
      } else {
        const std::size_t size = tensor.num_bytes() / rows;
        row.append(static_cast<const char*>(tensor.data()) + i * size, size);
      }
    }
    if (!seen.insert(std::move(row)).second) return false;
  }
  return true;
}

bool RowsAgree(const std::vector<const Tensor*>& parts, const Tensor& shared, double tolerance) {
  std::int64_t rows = 0;
  for (const Tensor* part : parts) {
    if (part->dtype() != shared.dtype() || part->shape().empty() || shared.shape().empty()) return false;
    if (WithRows(part->shape(), 0) != WithRows(shared.shape(), 0)) return false;
    rows += part->shape().front();
  }
  if (rows > shared.shape().front()) return false;
  switch (shared.dtype()) {
    case DType::kFloat32:
    case DType::kComplex64:
      return NumbersAgree<float>(parts, shared, tolerance);
    case DType::kFloat64:
    case DType::kComplex128:
      return NumbersAgree<double>(parts, shared, tolerance);
    case DType::kFloat16:
      return NumbersAgree<Eigen::half>(parts, shared, std::max(tolerance, kHalfTolerance));
    case DType::kBFloat16:
      return NumbersAgree<tensorflow::bfloat16>(parts, shared, std::max(tolerance, kHalfTolerance));
    default:
      return ElementsAgree(parts, shared);
  }
}

}  // namespace tftrt
