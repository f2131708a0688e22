// Adds 1 to 1, 2, 3, 4 with the model given. With --maps it prints the files that the process has mapped, too.

#include <tftrt/tftrt.h>

#include <fstream>
#include <iostream>
#include <string>
#include <string_view>

#ifdef PACKAGE_VERSION
static_assert(std::string_view(TFTRT_VERSION) == PACKAGE_VERSION, "the CMake package and the headers differ");
#endif

namespace {

void PrintMappedFiles() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (const std::size_t path = line.find('/'); path != std::string::npos) std::cout << line.substr(path) << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  try {
    const tftrt::Model model = tftrt::Model::Load(argv[1]);
    const tftrt::Tensor x = tftrt::Tensor::From<float>({1, 2, 3, 4}, {1, 4});
    const tftrt::Tensor y = model.Run({{"x", x}}).front();
    for (int i = 0; i < 4; ++i) std::cout << (i == 0 ? "" : " ") << y.data<float>()[i];
    std::cout << "\n";
    if (argc == 3 && std::string_view(argv[2]) == "--maps") PrintMappedFiles();
  } catch (const tftrt::IncompatibleError& error) {
    std::cerr << "IncompatibleError: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
