#include "flags.h"

#include <map>

#include "common/arguments.h"

namespace tftrt::bench {

const char kUsage[] = R"(Measures calls of a SavedModel through tftrt's C++ runtime.

usage: tftrt_bench --model_path DIR [--flag value ...]

  --model_path DIR       the SavedModel
  --signature_key NAME   its signature (default serving_default)
  --batch_size N[,N...]  first dimension, where it is not fixed (default 1)
  --input_size N         every other dimension that is not fixed (default 224)
  --shapes NAME:AxB,...  instead of the two above, for the inputs named; repeatable
  --paths P[,P...]       run (Model::Run), bound (Runner::Run); default both
  --callers N[,N...]     threads that call at the same time, each as fast as it can (default 1)
  --duration SECONDS     of each measurement (default 5)
  --warmup SECONDS       before each measurement (default 1)
  --device D             auto, cpu or gpu:N (default auto)
  --instances N          requests that run on the GPU at the same time (default 1)
  --cuda_graphs M        auto, on or off (default auto)
  --json FILE            writes the results

With one caller it measures the latency of synchronous calls, with more their throughput as well. Inputs are seeded
random numbers: 0 to 1, integers 0 to 9; strings are a or b.
)";

Flags ParseFlags(const std::vector<std::string>& arguments) {
  using namespace tools;
  Flags flags;
  flags.help = !ParseArguments(arguments, {
                                              {"model_path", ToText(flags.model_path)},
                                              {"signature_key", ToText(flags.options.signature)},
                                              {"batch_size", ToCounts(flags.batch_sizes)},
                                              {"input_size", ToCount(flags.inputs.size)},
                                              {"shapes", ToShapes(flags.inputs.shapes)},
                                              {"paths",
                                               [&](const std::string& name, const std::string& value) {
                                                 flags.paths = Split(value, ',');
                                                 for (const std::string& path : flags.paths) {
                                                   if (path != "run" && path != "bound") {
                                                     FailValue(name, value, "run, bound, or both separated by a comma");
                                                   }
                                                 }
                                               }},
                                              {"callers", ToCounts(flags.callers)},
                                              {"duration", ToSeconds(flags.duration)},
                                              {"warmup", ToSeconds(flags.warmup)},
                                              {"device", ToText(flags.options.device)},
                                              {"instances", ToCount(flags.options.instances)},
                                              {"cuda_graphs", ToText(flags.options.cuda_graphs)},
                                              {"json", ToText(flags.json)},
                                          });
  if (!flags.help && flags.model_path.empty()) throw InvalidArgumentError("--model_path is missing; see --help");
  return flags;
}

}  // namespace tftrt::bench
