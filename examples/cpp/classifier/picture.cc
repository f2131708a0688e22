#include "picture.h"

#include <algorithm>
#include <cmath>

namespace classifier {
namespace {

// The two pixels around a point, and what the second one weighs.
struct Between {
  int first;
  int second;
  float weight;
};

// Of point `index` of `count` along `length` pixels from `begin` on; points are in the middle of theirs.
Between Find(int index, int count, int begin, int length) {
  const float place =
      (static_cast<float>(index) + 0.5f) * static_cast<float>(length) / static_cast<float>(count) - 0.5f;
  const float clamped = std::clamp(place, 0.0f, static_cast<float>(length - 1));
  const int first = static_cast<int>(std::floor(clamped));
  return {begin + first, begin + std::min(first + 1, length - 1), clamped - static_cast<float>(first)};
}

}  // namespace

void Crop(const Picture& picture, int height, int width, float scale, float* target) {
  const int side = std::min(picture.height, picture.width);
  const int top = (picture.height - side) / 2, left = (picture.width - side) / 2;
  const auto value = [&](int row, int column, int channel) {
    const auto pixel =
        static_cast<std::size_t>(row) * static_cast<std::size_t>(picture.width) + static_cast<std::size_t>(column);
    return static_cast<float>(picture.pixels[pixel * 3 + static_cast<std::size_t>(channel)]);
  };
  for (int y = 0; y < height; ++y) {
    const Between row = Find(y, height, top, side);
    for (int x = 0; x < width; ++x) {
      const Between column = Find(x, width, left, side);
      for (int channel = 0; channel < 3; ++channel) {
        const float upper = value(row.first, column.first, channel) * (1 - column.weight) +
                            value(row.first, column.second, channel) * column.weight;
        const float lower = value(row.second, column.first, channel) * (1 - column.weight) +
                            value(row.second, column.second, channel) * column.weight;
        *target++ = scale * (upper * (1 - row.weight) + lower * row.weight);
      }
    }
  }
}

}  // namespace classifier
