#ifndef CLASSIFIER_JPEG_H_
#define CLASSIFIER_JPEG_H_

#include <string>

#include "picture.h"

namespace classifier {

// Throws std::runtime_error if the file cannot be read or is no JPEG.
Picture ReadJpeg(const std::string& file);

}  // namespace classifier

#endif  // CLASSIFIER_JPEG_H_
