#include "jpeg.h"

#include <turbojpeg.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <vector>

namespace classifier {

Picture ReadJpeg(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!stream && bytes.empty()) throw std::runtime_error("cannot read " + file);
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());

  const std::unique_ptr<void, decltype(&tjDestroy)> decoder(tjInitDecompress(), &tjDestroy);
  Picture picture;
  int subsampling = 0, colorspace = 0;
  if (decoder == nullptr || tjDecompressHeader3(decoder.get(), data, bytes.size(), &picture.width, &picture.height,
                                                &subsampling, &colorspace) != 0) {
    throw std::runtime_error(file + " is no JPEG: " + tjGetErrorStr2(decoder.get()));
  }
  picture.pixels.resize(static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height) * 3);
  if (tjDecompress2(decoder.get(), data, bytes.size(), picture.pixels.data(), picture.width, 0, picture.height,
                    TJPF_RGB, 0) != 0 &&
      tjGetErrorCode(decoder.get()) == TJERR_FATAL) {
    throw std::runtime_error(file + " is damaged: " + tjGetErrorStr2(decoder.get()));
  }
  return picture;
}

}  // namespace classifier
