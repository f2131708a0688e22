#ifndef TFTRT_TOOLS_TFTRT_RUN_FLAGS_H_
#define TFTRT_TOOLS_TFTRT_RUN_FLAGS_H_

#include <map>
#include <string>
#include <vector>

#include "common/inputs.h"
#include "tftrt/tftrt.h"

namespace tftrt::run {

struct Flags {
  std::string model_path;
  tools::InputShapes inputs;
  std::map<std::string, std::string> input_files;  // by name of the input; the others are random
  std::string output;                              // folder for the outputs' elements; empty: they are not written
  int iterations = 1;
  int warmup_iterations = 10;
  ModelOptions options;
  bool help = false;
};

extern const char kUsage[];

// Throws InvalidArgumentError.
Flags ParseFlags(const std::vector<std::string>& arguments);

}  // namespace tftrt::run

#endif  // TFTRT_TOOLS_TFTRT_RUN_FLAGS_H_
