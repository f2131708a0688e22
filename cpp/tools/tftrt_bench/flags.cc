#include "flags.h"

#include <charconv>
#include <cstdlib>
#include <functional>
#include <sstream>

namespace tftrt::bench {
namespace {

[[noreturn]] void Fail(const std::string& name, const std::string& value, const std::string& expected) {
  throw InvalidArgumentError("--" + name + " is \"" + value + "\"; expected " + expected);
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

int ToCount(const std::string& name, const std::string& text) {
  int value = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || last != text.data() + text.size() || value < 1) Fail(name, text, "a number from 1 on");
  return value;
}

std::vector<int> ToCounts(const std::string& name, const std::string& text) {
  std::vector<int> values;
  for (const std::string& part : Split(text, ',')) values.push_back(ToCount(name, part));
  if (values.empty()) Fail(name, text, "numbers separated by commas");
  return values;
}

double ToSeconds(const std::string& name, const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value >= 0)) Fail(name, text, "seconds");
  return value;
}

// "image:8x64x64x3,mask:8x64"
std::map<std::string, Shape> ToShapes(const std::string& name, const std::string& text) {
  std::map<std::string, Shape> shapes;
  for (const std::string& part : Split(text, ',')) {
    const std::size_t colon = part.rfind(':');
    if (colon == std::string::npos) Fail(name, text, "shapes by input, such as image:8x64x64x3");
    Shape& shape = shapes[part.substr(0, colon)];
    for (const std::string& dim : Split(part.substr(colon + 1), 'x')) shape.push_back(ToCount(name, dim));
  }
  return shapes;
}

}  // namespace

const char kUsage[] = R"(Measures calls of a SavedModel through tftrt's C++ runtime.

usage: tftrt_bench --model_path DIR [--flag value ...]

  --model_path DIR       the SavedModel
  --signature_key NAME   its signature (default serving_default)
  --batch_size N[,N...]  first dimension, where it is not fixed (default 1)
  --input_size N         every other dimension that is not fixed (default 224)
  --shapes NAME:AxB,...  instead of the two above, for the inputs named
  --paths P[,P...]       run (Model::Run), bound (Runner::Run); default both
  --callers N[,N...]     threads that call at the same time, each as fast as it can (default 1)
  --duration SECONDS     of each measurement (default 5)
  --warmup SECONDS       before each measurement (default 1)
  --device D             auto, cpu or gpu:N (default auto)
  --instances N          requests that run on the GPU at the same time (default 1)
  --cuda_graphs M        auto, on or off (default auto)
  --json FILE            writes the results

With one caller it measures the latency of synchronous calls, with more their throughput as well. Inputs are seeded
random numbers: 0 to 1, integers 0 to 9.
)";

Flags ParseFlags(const std::vector<std::string>& arguments) {
  Flags flags;
  const std::map<std::string, std::function<void(const std::string&, const std::string&)>> setters = {
      {"model_path", [&](auto&, auto& value) { flags.model_path = value; }},
      {"signature_key", [&](auto&, auto& value) { flags.options.signature = value; }},
      {"batch_size", [&](auto& name, auto& value) { flags.batch_sizes = ToCounts(name, value); }},
      {"input_size", [&](auto& name, auto& value) { flags.input_size = ToCount(name, value); }},
      {"shapes", [&](auto& name, auto& value) { flags.shapes = ToShapes(name, value); }},
      {"paths",
       [&](auto& name, auto& value) {
         flags.paths = Split(value, ',');
         for (const std::string& path : flags.paths) {
           if (path != "run" && path != "bound") Fail(name, value, "run, bound, or both separated by a comma");
         }
       }},
      {"callers", [&](auto& name, auto& value) { flags.callers = ToCounts(name, value); }},
      {"duration", [&](auto& name, auto& value) { flags.duration = ToSeconds(name, value); }},
      {"warmup", [&](auto& name, auto& value) { flags.warmup = ToSeconds(name, value); }},
      {"device", [&](auto&, auto& value) { flags.options.device = value; }},
      {"instances", [&](auto& name, auto& value) { flags.options.instances = ToCount(name, value); }},
      {"cuda_graphs", [&](auto&, auto& value) { flags.options.cuda_graphs = value; }},
      {"json", [&](auto&, auto& value) { flags.json = value; }},
  };
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i];
    if (name == "--help" || name == "-h") {
      flags.help = true;
      return flags;
    }
    if (name.rfind("--", 0) != 0) throw InvalidArgumentError("expected a flag, found \"" + name + "\"; see --help");
    name.erase(0, 2);
    const std::size_t equals = name.find('=');
    std::string value = equals == std::string::npos ? "" : name.substr(equals + 1);
    name = name.substr(0, equals);
    const auto setter = setters.find(name);
    if (setter == setters.end()) throw InvalidArgumentError("unknown flag --" + name + "; see --help");
    if (equals == std::string::npos) {
      if (++i == arguments.size()) throw InvalidArgumentError("--" + name + " needs a value; see --help");
      value = arguments[i];
    }
    setter->second(name, value);
  }
  if (flags.model_path.empty()) throw InvalidArgumentError("--model_path is missing; see --help");
  return flags;
}

}  // namespace tftrt::bench
