// Adds 1 to 1, 2, 3, 4 with the model given.

#include <tftrt/tftrt.h>

#include <iostream>
#include <string_view>

static_assert(std::string_view(TFTRT_VERSION) == PACKAGE_VERSION, "the CMake package and the headers differ");

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    const tftrt::Model model = tftrt::Model::Load(argv[1]);
    const tftrt::Tensor x = tftrt::Tensor::From<float>({1, 2, 3, 4}, {1, 4});
    const tftrt::Tensor y = model.Run({{"x", x}}).front();
    for (int i = 0; i < 4; ++i) std::cout << (i == 0 ? "" : " ") << y.data<float>()[i];
    std::cout << "\n";
  } catch (const tftrt::IncompatibleError& error) {
    std::cerr << "IncompatibleError: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
