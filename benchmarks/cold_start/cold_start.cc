// Loads a model of one image input and calls it once.
// usage: cold_start MODEL_DIR HEIGHT
#include <tftrt/tftrt.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s MODEL_DIR HEIGHT\n", argv[0]);
    return 2;
  }
  const long size = std::atol(argv[2]);
  const tftrt::Model model = tftrt::Model::Load(argv[1], {});
  std::vector<float> image(static_cast<std::size_t>(size * size * 3));
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i % 251) / 251.0f;
  const tftrt::Tensor input = tftrt::Tensor::From(image, {1, size, size, 3});
  const std::vector<tftrt::Tensor> outputs = model.Run({{model.inputs()[0].name, input}});
  std::printf("%.6f\n", static_cast<double>(outputs[0].data<float>()[0]));
}
