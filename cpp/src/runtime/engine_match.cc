#include "runtime/engine_match.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "tftrt/error.h"

namespace tftrt {
namespace {

std::string Differ(const char* what, const std::string& built, const std::string& here) {
  return std::string("they were built for ") + what + " " + built + ", and here is " + (here.empty() ? "none" : here);
}

// For a shell.
std::string Quoted(const std::string& text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::strchr("_./-:,", c) != nullptr;
  });
  if (plain && !text.empty()) return text;
  std::string quoted = "'";
  for (char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string Arguments(const char* option, const NamedShapes& shapes) {
  std::string text;
  for (const auto& [input, shape] : shapes) {
    text += (text.empty() ? "" : ",") + input + ":";
    for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : "x") + std::to_string(shape[i]);
  }
  return std::string(" ") + option + " " + Quoted(text);
}

}  // namespace

OnMismatch ParseOnMismatch(const std::string& on_mismatch) {
  if (on_mismatch == "error") return OnMismatch::kError;
  if (on_mismatch == "native") return OnMismatch::kNative;
  if (on_mismatch == "rebuild") return OnMismatch::kRebuild;
  throw InvalidArgumentError("on_mismatch is \"" + on_mismatch + R"("; expected "error", "native" or "rebuild")");
}

EngineMismatch FindMismatch(const std::string& model_path, const std::string& manifest, const BuildInfo& build,
                            const GpuReport& gpu, const std::string& tensorrt) {
  if (build.format_version == 0) return {"the manifest says nothing of them", true};
  if (build.format_version > kNewestBuildFormat) {
    return {"a newer tftrt built them (format " + std::to_string(build.format_version) + ", this one reads up to " +
                std::to_string(kNewestBuildFormat) + ")",
            false};
  }
  if (build.compute_capability != gpu.compute_capability) {
    return {Differ("a GPU of compute capability", build.compute_capability + " (" + build.gpu + ")",
                   gpu.compute_capability + " (" + gpu.name + ")"),
            false};
  }
  if (build.gpu != gpu.name) return {Differ("the GPU", build.gpu, gpu.name), false};
  if (build.tensorrt != tensorrt) return {Differ("TensorRT", build.tensorrt, tensorrt), false};
  try {
    VerifyFiles(model_path, manifest, ManifestFiles::kEngines);
  } catch (const ModelError& error) {
    return {error.what(), true};
  }
  return {};
}

std::string BuildCommand(const std::string& model_path, const BuildInfo& build) {
  constexpr std::size_t kMostRequests = 4;
  std::string command = "tftrt build " + Quoted(model_path);
  if (build.requests.empty()) return command;
  const std::string& signature = build.requests.front().signature;
  std::size_t shown = 0;
  bool range = false;
  for (const BuildInfo::Request& request : build.requests) {
    if (request.signature != signature || shown == kMostRequests || (request.range && range)) continue;
    ++shown;
    range |= request.range;
    if (request.range) {
      command += Arguments("--min-shapes", request.min) + Arguments("--opt-shapes", request.opt) +
                 Arguments("--max-shapes", request.max);
    } else {
      command += Arguments("--shapes", request.opt);
    }
  }
  if (shown == build.requests.size()) return command;
  return command + " --signature " + Quoted(signature) + " (it was built for " + std::to_string(build.requests.size()) +
         " sets of shapes, all of which are in " + kManifestPath + ")";
}

void ThrowMismatch(const std::string& model_path, const BuildInfo& build, const EngineMismatch& mismatch) {
  const std::string message =
      "the engines in \"" + model_path + "\" cannot run here: " + mismatch.problem +
      ". Build them again with: " + BuildCommand(model_path, build) +
      R"(; or load with on_mismatch = "native" (TensorFlow's own ops) or "rebuild" (engines in memory, takes minutes))";
  if (mismatch.damaged) throw ModelError(message);
  throw IncompatibleError(message);
}

}  // namespace tftrt
