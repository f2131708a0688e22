#ifndef CLASSIFIER_PICTURE_H_
#define CLASSIFIER_PICTURE_H_

#include <vector>

namespace classifier {

// Red, green and blue, 0 to 255, row by row.
struct Picture {
  int height = 0;
  int width = 0;
  std::vector<unsigned char> pixels;
};

// The largest square in the middle, scaled to height x width by weighing the four pixels around each point (bilinear),
// each value then multiplied by `scale`. Writes height * width * 3 numbers.
void Crop(const Picture& picture, int height, int width, float scale, float* target);

}  // namespace classifier

#endif  // CLASSIFIER_PICTURE_H_
