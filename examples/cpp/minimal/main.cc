// The least that a program needs: load, look, fill, run, read.

#include <tftrt/tftrt.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: minimal SAVED_MODEL\n");
    return 2;
  }
  try {
    const tftrt::Model model = tftrt::Model::Load(argv[1]);
    tftrt::NamedShapes shapes;
    for (const tftrt::TensorSpec& input : model.inputs()) {
      std::printf("input  %s\n", tftrt::ToString(input).c_str());
      tftrt::Shape shape = input.shape;
      std::replace(shape.begin(), shape.end(), std::int64_t{-1}, std::int64_t{1});
      shapes.emplace_back(input.name, shape);
    }

    // Inputs and outputs stay where they are: fill, run, read, as often as needed.
    tftrt::Runner runner = model.Bind(shapes);
    tftrt::Tensor first = runner.input(0);
    if (first.dtype() == tftrt::DType::kFloat32) std::fill_n(first.data<float>(), first.num_elements(), 0.5f);
    runner.Run();
    for (std::size_t i = 0; i < runner.outputs().size(); ++i) {
      const tftrt::Tensor& output = runner.output(i);
      std::printf("output %s: %s\n", runner.outputs()[i].name.c_str(), tftrt::ToString(output.shape()).c_str());
      if (output.dtype() == tftrt::DType::kFloat32 && output.num_elements() > 0) {
        std::printf("       %g ...\n", output.data<float>()[0]);
      }
    }
  } catch (const tftrt::Error& error) {
    std::fprintf(stderr, "minimal: %s\n", error.what());
    return 1;
  }
}
