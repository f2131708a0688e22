#ifndef TFTRT_TOOLS_TFTRT_BENCH_FLAGS_H_
#define TFTRT_TOOLS_TFTRT_BENCH_FLAGS_H_

#include <map>
#include <string>
#include <vector>

#include "tftrt/tftrt.h"

namespace tftrt::bench {

struct Flags {
  std::string model_path;
  std::vector<int> batch_sizes = {1};
  std::vector<int> callers = {1};
  int input_size = 224;  // of what is neither fixed nor the batch
  std::map<std::string, Shape> shapes;
  std::vector<std::string> paths = {"run", "bound"};
  double duration = 5;
  double warmup = 1;
  std::string json;
  ModelOptions options;
  bool help = false;
};

extern const char kUsage[];

// "--name value" and "--name=value". Throws InvalidArgumentError.
Flags ParseFlags(const std::vector<std::string>& arguments);

}  // namespace tftrt::bench

#endif  // TFTRT_TOOLS_TFTRT_BENCH_FLAGS_H_
