#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "common/arguments.h"
#include "flags.h"
#include "measure.h"

namespace tftrt::bench {
namespace {

struct Result {
  std::string path;
  int batch;
  int callers;
  Measurement measurement;
};

MakeCall CallOf(const std::string& path, const Model& model, const tools::InputShapes& inputs) {
  if (path == "bound") {
    return [&model, inputs]() -> std::function<void()> {
      NamedShapes shapes;
      for (const TensorSpec& spec : model.inputs()) {
        if (!IsLeftOut(spec, inputs)) shapes.emplace_back(spec.name, ShapeOf(spec, inputs));
      }
      const auto runner = std::make_shared<Runner>(model.Bind(shapes));
      for (const auto& [name, shape] : shapes) {
        const auto named = [&name = name](const TensorSpec& spec) { return spec.name == name; };
        const TensorSpec& spec = *std::find_if(model.inputs().begin(), model.inputs().end(), named);
        Tensor input = runner->input(name);
        tools::FillRandom(spec, input);
      }
      return [runner] { runner->Run(); };
    };
  }
  return [&model, inputs]() -> std::function<void()> {
    std::vector<Tensor> tensors;
    for (const TensorSpec& spec : model.inputs()) {
      Tensor& tensor = tensors.emplace_back();
      if (IsLeftOut(spec, inputs)) continue;
      tensor = Tensor::Empty(spec.dtype, ShapeOf(spec, inputs));
      tools::FillRandom(spec, tensor);
    }
    return [&model, tensors] { model.RunOrdered(tensors); };
  };
}

void Print(const Result& result) {
  const tools::Summary& s = result.measurement.latency;
  std::printf("%-6s %6d %8d %9.1f %9.1f %9.1f %9.1f %9.1f %9.1f %10.1f\n", result.path.c_str(), result.batch,
              result.callers, s.mean, s.median, s.p90, s.p95, s.p99, s.p999,
              result.measurement.throughput * result.batch);
  std::fflush(stdout);
}

void WriteJson(const Model& model, const std::vector<Result>& results, const std::string& file) {
  std::ofstream stream(file);
  stream << "{\"device\": \"" << model.info().device << "\", \"instances\": " << model.info().instances
         << ", \"unit\": \"microseconds\", \"results\": [";
  const char* separator = "";
  for (const Result& result : results) {
    const tools::Summary& s = result.measurement.latency;
    stream << separator << "\n  {\"path\": \"" << result.path << "\", \"batch\": " << result.batch
           << ", \"callers\": " << result.callers << ", \"calls\": " << s.calls << ", \"mean\": " << s.mean
           << ", \"median\": " << s.median << ", \"p90\": " << s.p90 << ", \"p95\": " << s.p95 << ", \"p99\": " << s.p99
           << ", \"p99.9\": " << s.p999 << ", \"items_per_second\": " << result.measurement.throughput * result.batch
           << "}";
    separator = ",";
  }
  stream << "\n]}\n";
  if (!stream.flush()) throw InvalidArgumentError("cannot write --json " + file);
}

int Run(const Flags& flags) {
  const Model model = Model::Load(flags.model_path, flags.options);
  CheckShapes(flags.inputs, model);
  std::printf("%s on %s, instances %d, engines %d of %d\n", flags.model_path.c_str(), model.info().device.c_str(),
              model.info().instances, model.info().engines_ready, model.info().engines);
  std::printf("%-6s %6s %8s %9s %9s %9s %9s %9s %9s %10s\n", "path", "batch", "callers", "mean us", "median", "p90",
              "p95", "p99", "p99.9", "items/s");
  std::vector<Result> results;
  tools::InputShapes inputs = flags.inputs;
  for (int batch : flags.batch_sizes) {
    inputs.batch = batch;
    for (int callers : flags.callers) {
      for (const std::string& path : flags.paths) {
        const MakeCall make = CallOf(path, model, inputs);
        results.push_back({path, batch, callers, Measure(make, callers, flags.warmup, flags.duration)});
        Print(results.back());
      }
    }
  }
  if (!flags.json.empty()) WriteJson(model, results, flags.json);
  return 0;
}

}  // namespace
}  // namespace tftrt::bench

int main(int argc, char** argv) {
  return tftrt::tools::RunTool("tftrt_bench", [&] {
    const tftrt::bench::Flags flags = tftrt::bench::ParseFlags(std::vector<std::string>(argv + 1, argv + argc));
    if (!flags.help) return tftrt::bench::Run(flags);
    std::fputs(tftrt::bench::kUsage, stdout);
    return 0;
  });
}
