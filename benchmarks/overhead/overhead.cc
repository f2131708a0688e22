// Prints the time of each call of Model::Run, or of Runner::Run, on the graph y = x + 1, in nanoseconds, one per line.
// usage: overhead MODEL_DIR run|bound CALLS
#include <tftrt/tftrt.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

// The times of `calls` calls, after a tenth as many that warm up; exits if one of them returns another number.
template <typename Call>
void Measure(int calls, Call call) {
  std::vector<long> nanoseconds;
  nanoseconds.reserve(static_cast<std::size_t>(calls));
  for (int i = -calls / 10; i < calls; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const float result = call();
    const auto end = std::chrono::steady_clock::now();
    if (result != 8.5f) {
      std::fprintf(stderr, "wrong result: %g\n", static_cast<double>(result));
      std::exit(1);
    }
    if (i >= 0) nanoseconds.push_back((end - begin).count());
  }
  for (const long time : nanoseconds) std::printf("%ld\n", time);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s MODEL_DIR run|bound CALLS\n", argv[0]);
    return 2;
  }
  const int calls = std::atoi(argv[3]);
  tftrt::ModelOptions options;
  options.device = "cpu";
  const tftrt::Model model = tftrt::Model::Load(argv[1], options);
  const tftrt::NamedTensors inputs = {{"x", tftrt::Tensor::From<float>({0.5f, -1.25f, 3.0f, 7.5f}, {1, 4})}};
  if (std::strcmp(argv[2], "bound") == 0) {
    tftrt::Runner runner = model.Bind(inputs);
    Measure(calls, [&] {
      runner.Run();
      return runner.output(0).data<float>()[3];
    });
  } else {
    Measure(calls, [&] { return model.Run(inputs)[0].data<float>()[3]; });
  }
}
