// Prints the time of each call of Model::Run on the graph y = x + 1, in nanoseconds, one per line.
// usage: overhead MODEL_DIR CALLS
#include <tftrt/tftrt.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s MODEL_DIR CALLS\n", argv[0]);
    return 2;
  }
  const int calls = std::atoi(argv[2]);
  tftrt::ModelOptions options;
  options.device = "cpu";
  const tftrt::Model model = tftrt::Model::Load(argv[1], options);
  const tftrt::NamedTensors inputs = {{"x", tftrt::Tensor::From<float>({0.5f, -1.25f, 3.0f, 7.5f}, {1, 4})}};

  std::vector<long> nanoseconds;
  nanoseconds.reserve(static_cast<std::size_t>(calls));
  for (int i = -calls / 10; i < calls; ++i) {  // the calls before 0 warm up
    const auto begin = std::chrono::steady_clock::now();
    const std::vector<tftrt::Tensor> outputs = model.Run(inputs);
    const auto end = std::chrono::steady_clock::now();
    if (outputs[0].data<float>()[3] != 8.5f) {
      std::fprintf(stderr, "wrong result: %g\n", static_cast<double>(outputs[0].data<float>()[3]));
      return 1;
    }
    if (i >= 0) nanoseconds.push_back((end - begin).count());
  }
  for (const long time : nanoseconds) std::printf("%ld\n", time);
}
