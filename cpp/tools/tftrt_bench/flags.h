#ifndef TFTRT_TOOLS_TFTRT_BENCH_FLAGS_H_
#define TFTRT_TOOLS_TFTRT_BENCH_FLAGS_H_

#include <string>
#include <vector>

#include "common/inputs.h"
#include "tftrt/tftrt.h"

namespace tftrt::bench {

struct Flags {
  std::string model_path;
  std::vector<int> batch_sizes = {1};
  std::vector<int> callers = {1};
  tools::InputShapes inputs;  // with each of batch_sizes
  std::vector<std::string> paths = {"run", "bound"};
  double duration = 5;
  double warmup = 1;
  std::string json;
  ModelOptions options;
  bool help = false;
};

extern const char kUsage[];

// Throws InvalidArgumentError.
Flags ParseFlags(const std::vector<std::string>& arguments);

}  // namespace tftrt::bench

#endif  // TFTRT_TOOLS_TFTRT_BENCH_FLAGS_H_
