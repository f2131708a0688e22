#include "flags.h"

#include "common/arguments.h"

namespace tftrt::run {

const char kUsage[] =
    R"(Runs a SavedModel through tftrt's C++ runtime: once, or often, and says what came out and how long it took.

usage: tftrt_run --model_path DIR [--flag value ...]

  --model_path DIR         the SavedModel
  --signature_key NAME     its signature (default serving_default)
  --batch_size N           first dimension, where it is not fixed (default 1)
  --input_size N           every other dimension that is not fixed (default 224)
  --shapes NAME:AxB,...    instead of the two above, for the inputs named; repeatable
  --input NAME=FILE        elements of an input, row by row in this machine's byte order, as numpy's tofile writes
                           them; repeatable. Without it they are seeded random numbers: 0 to 1, integers 0 to 9;
                           strings are a or b. An input with a default value has that one
  --output DIR             writes the elements of each output to DIR/NAME.raw, likewise. Outputs that are strings, or
                           have a / in their name, are refused before the first call
  --iterations N           calls that are timed (default 1)
  --warmup_iterations N    calls before them, 0 or more (default 10)
  --device D               auto, cpu or gpu:N (default auto)
  --on_miss M              error, native or build: what a shape without an engine does (default native)
  --cuda_graphs M          auto, on or off (default auto)

Exit status: 0 success, 1 failure, 2 wrong usage.
)";

Flags ParseFlags(const std::vector<std::string>& arguments) {
  using namespace tools;
  Flags flags;
  const Setter to_input_file = [&](const std::string& name, const std::string& value) {
    const std::size_t equals = value.find('=');
    if (equals == std::string::npos || equals == 0) FailValue(name, value, "NAME=FILE");
    flags.input_files[value.substr(0, equals)] = value.substr(equals + 1);
  };
  flags.help = !ParseArguments(arguments, {
                                              {"model_path", ToText(flags.model_path)},
                                              {"signature_key", ToText(flags.options.signature)},
                                              {"batch_size", ToCount(flags.inputs.batch)},
                                              {"input_size", ToCount(flags.inputs.size)},
                                              {"shapes", ToShapes(flags.inputs.shapes)},
                                              {"input", to_input_file},
                                              {"output", ToText(flags.output)},
                                              {"iterations", ToCount(flags.iterations)},
                                              {"warmup_iterations", ToCount(flags.warmup_iterations, 0)},
                                              {"device", ToText(flags.options.device)},
                                              {"on_miss", ToText(flags.options.on_miss)},
                                              {"cuda_graphs", ToText(flags.options.cuda_graphs)},
                                          });
  if (!flags.help && flags.model_path.empty()) throw InvalidArgumentError("--model_path is missing; see --help");
  return flags;
}

}  // namespace tftrt::run
