#include <chrono>
#include <cstdio>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "common/arguments.h"
#include "common/summary.h"
#include "flags.h"
#include "output_folder.h"
#include "outputs.h"
#include "raw_file.h"

namespace tftrt::run {
namespace {

NamedTensors MakeInputs(const Model& model, const Flags& flags) {
  CheckShapes(flags.inputs, model);
  for (const auto& [name, file] : flags.input_files) tools::CheckInput("input", name, model);
  NamedTensors inputs;
  for (const TensorSpec& spec : model.inputs()) {
    const auto file = flags.input_files.find(spec.name);
    if (file == flags.input_files.end() && IsLeftOut(spec, flags.inputs)) {
      std::printf("input  %s: %s%s, default\n", spec.name.c_str(), std::string(Name(spec.dtype)).c_str(),
                  ToString(spec.default_value.shape()).c_str());
      continue;
    }
    Tensor tensor = Tensor::Empty(spec.dtype, ShapeOf(spec, flags.inputs));
    if (file != flags.input_files.end()) {
      ReadRaw(file->second, tensor);
    } else {
      tools::FillRandom(spec, tensor);
    }
    const std::string origin = file == flags.input_files.end() ? "random" : file->second;
    std::printf("input  %s: %s%s, %s\n", spec.name.c_str(), std::string(Name(spec.dtype)).c_str(),
                ToString(tensor.shape()).c_str(), origin.c_str());
    inputs.emplace_back(spec.name, std::move(tensor));
  }
  return inputs;
}

void ShowOutputs(const Model& model, const std::vector<Tensor>& outputs, const std::string& folder) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const TensorSpec& spec = model.outputs()[i];
    std::printf("output %s: %s\n", spec.name.c_str(), Summarise(outputs[i]).c_str());
    if (!folder.empty()) WriteRaw(outputs[i], OutputFile(folder, spec));
  }
}

int Run(const Flags& flags) {
  using Clock = std::chrono::steady_clock;
  const Model model = Model::Load(flags.model_path, flags.options);
  double seconds = 0;
  for (const auto& [phase, duration] : model.info().load_seconds) seconds += duration;
  std::printf("%s on %s, signature %s, engines %d of %d, loaded in %.2f s\n", flags.model_path.c_str(),
              model.info().device.c_str(), model.signature().c_str(), model.info().engines_ready, model.info().engines,
              seconds);

  const NamedTensors inputs = MakeInputs(model, flags);
  if (!flags.output.empty()) MakeOutputFolder(flags.output, model.outputs());
  for (int i = 0; i < flags.warmup_iterations; ++i) model.Run(inputs);
  std::vector<Tensor> outputs;
  std::vector<double> times;
  for (int i = 0; i < flags.iterations; ++i) {
    const Clock::time_point begin = Clock::now();
    outputs = model.Run(inputs);
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  ShowOutputs(model, outputs, flags.output);

  const double total = std::accumulate(times.begin(), times.end(), 0.0);
  const tools::Summary s = tools::Summarise(std::move(times));
  std::printf("%zu calls in %.3f s, microseconds: mean %.1f, median %.1f, p90 %.1f, p95 %.1f, p99 %.1f, p99.9 %.1f\n",
              s.calls, total / 1e6, s.mean, s.median, s.p90, s.p95, s.p99, s.p999);
  return 0;
}

}  // namespace
}  // namespace tftrt::run

int main(int argc, char** argv) {
  return tftrt::tools::RunTool("tftrt_run", [&] {
    const tftrt::run::Flags flags = tftrt::run::ParseFlags(std::vector<std::string>(argv + 1, argv + argc));
    if (!flags.help) return tftrt::run::Run(flags);
    std::fputs(tftrt::run::kUsage, stdout);
    return 0;
  });
}
