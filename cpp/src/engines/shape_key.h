#ifndef TFTRT_ENGINES_SHAPE_KEY_H_
#define TFTRT_ENGINES_SHAPE_KEY_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "tftrt/tensor.h"

namespace tftrt {

// The shapes of an engine's inputs in one row, to be compared quickly: rank, dimensions, rank, dimensions, ...
// Allocates nothing for up to kInline numbers.
class ShapeKey {
 public:
  void Add(std::int64_t number) {
    if (size_ < kInline) {
      inline_[size_] = number;
    } else {
      more_.push_back(number);
    }
    ++size_;
  }

  void AddShape(const Shape& shape) {
    Add(static_cast<std::int64_t>(shape.size()));
    for (std::int64_t dim : shape) Add(dim);
  }

  std::vector<Shape> shapes() const {
    std::vector<Shape> shapes;
    for (std::size_t i = 0; i < size_;) {
      Shape& shape = shapes.emplace_back();
      for (std::int64_t rank = at(i++); rank > 0; --rank) shape.push_back(at(i++));
    }
    return shapes;
  }

  bool operator==(const ShapeKey& other) const {
    return size_ == other.size_ &&
           std::equal(inline_.begin(), inline_.begin() + std::min(size_, kInline), other.inline_.begin()) &&
           more_ == other.more_;
  }

 private:
  static constexpr std::size_t kInline = 24;

  std::int64_t at(std::size_t i) const { return i < kInline ? inline_[i] : more_[i - kInline]; }

  std::size_t size_ = 0;
  std::array<std::int64_t, kInline> inline_;
  std::vector<std::int64_t> more_;
};

}  // namespace tftrt

#endif  // TFTRT_ENGINES_SHAPE_KEY_H_
