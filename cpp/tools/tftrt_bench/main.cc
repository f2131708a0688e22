#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "flags.h"
#include "measure.h"

namespace tftrt::bench {
namespace {

struct Result {
  std::string path;
  int batch;
  int callers;
  Summary summary;
};

Shape ShapeOf(const TensorSpec& spec, const Flags& flags, int batch) {
  const auto given = flags.shapes.find(spec.name);
  if (given != flags.shapes.end()) return given->second;
  if (!spec.known_rank) throw InvalidArgumentError("the shape of " + ToString(spec) + " is not known; give --shapes");
  Shape shape = spec.shape;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1) shape[i] = i == 0 ? batch : flags.input_size;
  }
  return shape;
}

template <typename T, typename Distribution>
void FillAs(Distribution distribution, Tensor& tensor) {
  std::mt19937 generator(0);
  T* elements = tensor.data<T>();
  for (std::int64_t i = 0; i < tensor.num_elements(); ++i) elements[i] = static_cast<T>(distribution(generator));
}

void Fill(const TensorSpec& spec, Tensor& tensor) {
  const std::uniform_real_distribution<double> real(0, 1);
  const std::uniform_int_distribution<int> integer(0, 9);
  switch (spec.dtype) {
    case DType::kFloat32:
      return FillAs<float>(real, tensor);
    case DType::kFloat64:
      return FillAs<double>(real, tensor);
    case DType::kInt32:
      return FillAs<std::int32_t>(integer, tensor);
    case DType::kInt64:
      return FillAs<std::int64_t>(integer, tensor);
    case DType::kUInt8:
      return FillAs<std::uint8_t>(integer, tensor);
    default:
      throw UnsupportedError("no random numbers for " + ToString(spec));
  }
}

MakeCall CallOf(const std::string& path, const Model& model, const Flags& flags, int batch) {
  if (path == "bound") {
    return [&model, &flags, batch]() -> std::function<void()> {
      NamedShapes shapes;
      for (const TensorSpec& spec : model.inputs()) shapes.emplace_back(spec.name, ShapeOf(spec, flags, batch));
      const auto runner = std::make_shared<Runner>(model.Bind(shapes));
      for (const TensorSpec& spec : model.inputs()) {
        Tensor input = runner->input(spec.name);
        Fill(spec, input);
      }
      return [runner] { runner->Run(); };
    };
  }
  return [&model, &flags, batch]() -> std::function<void()> {
    std::vector<Tensor> inputs;
    for (const TensorSpec& spec : model.inputs()) {
      Fill(spec, inputs.emplace_back(Tensor::Empty(spec.dtype, ShapeOf(spec, flags, batch))));
    }
    return [&model, inputs] { model.RunOrdered(inputs); };
  };
}

void Print(const Result& result) {
  const Summary& s = result.summary;
  std::printf("%-6s %6d %8d %9.1f %9.1f %9.1f %9.1f %9.1f %9.1f %10.1f\n", result.path.c_str(), result.batch,
              result.callers, s.mean, s.median, s.p90, s.p95, s.p99, s.p999, s.throughput * result.batch);
  std::fflush(stdout);
}

void WriteJson(const Model& model, const std::vector<Result>& results, const std::string& file) {
  std::ofstream stream(file);
  stream << "{\"device\": \"" << model.info().device << "\", \"instances\": " << model.info().instances
         << ", \"unit\": \"microseconds\", \"results\": [";
  const char* separator = "";
  for (const Result& result : results) {
    const Summary& s = result.summary;
    stream << separator << "\n  {\"path\": \"" << result.path << "\", \"batch\": " << result.batch
           << ", \"callers\": " << result.callers << ", \"calls\": " << s.calls << ", \"mean\": " << s.mean
           << ", \"median\": " << s.median << ", \"p90\": " << s.p90 << ", \"p95\": " << s.p95 << ", \"p99\": " << s.p99
           << ", \"p99.9\": " << s.p999 << ", \"items_per_second\": " << s.throughput * result.batch << "}";
    separator = ",";
  }
  stream << "\n]}\n";
  if (!stream.flush()) throw InvalidArgumentError("cannot write --json " + file);
}

int Run(const Flags& flags) {
  const Model model = Model::Load(flags.model_path, flags.options);
  std::printf("%s on %s, instances %d, engines %d of %d\n", flags.model_path.c_str(), model.info().device.c_str(),
              model.info().instances, model.info().engines_ready, model.info().engines);
  std::printf("%-6s %6s %8s %9s %9s %9s %9s %9s %9s %10s\n", "path", "batch", "callers", "mean us", "median", "p90",
              "p95", "p99", "p99.9", "items/s");
  std::vector<Result> results;
  for (int batch : flags.batch_sizes) {
    for (int callers : flags.callers) {
      for (const std::string& path : flags.paths) {
        const Summary summary = Measure(CallOf(path, model, flags, batch), callers, flags.warmup, flags.duration);
        results.push_back({path, batch, callers, summary});
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
  try {
    const tftrt::bench::Flags flags = tftrt::bench::ParseFlags(std::vector<std::string>(argv + 1, argv + argc));
    if (flags.help) {
      std::fputs(tftrt::bench::kUsage, stdout);
      return 0;
    }
    return tftrt::bench::Run(flags);
  } catch (const tftrt::InvalidArgumentError& error) {
    std::fprintf(stderr, "tftrt_bench: %s\n", error.what());
    return 2;
  } catch (const tftrt::Error& error) {
    std::fprintf(stderr, "tftrt_bench: %s\n", error.what());
    return 1;
  }
}
