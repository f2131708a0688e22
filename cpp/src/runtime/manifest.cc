#include "runtime/manifest.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string_view>
#include <vector>

#include "runtime/read_file.h"
#include "runtime/sha256.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

namespace fs = std::filesystem;
using google::protobuf::Struct;
using google::protobuf::Value;

constexpr std::string_view kOwnSum = "\"manifest_sha256\": \"";
constexpr std::size_t kSumDigits = Sha256::kDigits;
constexpr std::uintmax_t kLargestManifest = std::uintmax_t{1} << 28;

[[noreturn]] void Damaged(const std::string& model_path, const std::string& problem) {
  throw ModelError("the model \"" + model_path + "\" is damaged: " + problem +
                   ". Copy it again, or convert the original model again");
}

std::string SumOfFile(const fs::path& file) {
  Sha256 sum;
  ReadFile(file, [&](std::string_view piece) { sum.Update(piece); });
  return sum.Finish();
}

// The manifest's sum is taken with its own digits as zeros.
bool IsAsWritten(const std::string& text) {
  const std::size_t key = text.find(kOwnSum);
  if (key == std::string::npos) return false;
  const std::size_t digits = key + kOwnSum.size();
  if (digits + kSumDigits > text.size()) return false;
  Sha256 sum;
  sum.Update(std::string_view(text).substr(0, digits));
  sum.Update(std::string(kSumDigits, '0'));
  sum.Update(std::string_view(text).substr(digits + kSumDigits));
  return text.compare(digits, kSumDigits, sum.Finish()) == 0;
}

// Null if there is no such field.
const Value* Find(const Struct& object, const std::string& key) {
  const auto found = object.fields().find(key);
  return found == object.fields().end() ? nullptr : &found->second;
}

std::string StringOf(const Struct& object, const std::string& key) {
  const Value* value = Find(object, key);
  return value == nullptr ? "" : value->string_value();
}

const Struct& StructOf(const Struct& object, const std::string& key) {
  const Value* value = Find(object, key);
  return value == nullptr ? Struct::default_instance() : value->struct_value();
}

NamedShapes ShapesOf(const std::string& model_path, const Struct& object, const std::string& key) {
  NamedShapes shapes;
  for (const auto& [input, dims] : StructOf(object, key).fields()) {
    Shape& shape = shapes.emplace_back(input, Shape()).second;
    for (const Value& dim : dims.list_value().values()) {
      if (!(dim.number_value() >= 0 && dim.number_value() <= 1e9)) {
        Damaged(model_path, std::string(kManifestPath) + " has a build with an impossible shape");
      }
      shape.push_back(static_cast<std::int64_t>(dim.number_value()));
    }
  }
  return shapes;
}

bool IsEngine(const std::string& path) { return path.rfind(std::string("assets/") + kEngineAsset, 0) == 0; }

Struct ParseManifest(const std::string& model_path, const std::string& text) {
  Struct manifest;
  if (!google::protobuf::util::JsonStringToMessage(text, &manifest).ok()) {
    Damaged(model_path, std::string(kManifestPath) + " is not valid JSON");
  }
  return manifest;
}

// A path of the manifest that leads out of the model is an attack or damage.
bool IsInside(const fs::path& path) {
  if (path.empty() || path.is_absolute()) return false;
  for (const fs::path& part : path) {
    if (part == "..") return false;
  }
  return true;
}

void VerifyFile(const std::string& model_path, const Struct& entry) {
  const Value* path = Find(entry, "path");
  const Value* bytes = Find(entry, "bytes");
  const Value* sha256 = Find(entry, "sha256");
  if (path == nullptr || bytes == nullptr || sha256 == nullptr || !IsInside(path->string_value())) {
    Damaged(model_path, std::string(kManifestPath) + " has an invalid entry under \"files\"");
  }
  const fs::path file = fs::path(model_path) / path->string_value();
  if (!IsFile(file)) Damaged(model_path, path->string_value() + " is missing");
  const std::uintmax_t size = SizeOf(file);
  if (static_cast<double>(size) != bytes->number_value()) {
    Damaged(model_path, path->string_value() + " has " + std::to_string(size) + " bytes, the manifest says " +
                            std::to_string(std::llround(bytes->number_value())));
  }
  if (SumOfFile(file) != sha256->string_value()) {
    Damaged(model_path, path->string_value() + " was changed: its sha256 sum is not the one in the manifest");
  }
}

}  // namespace

std::string ReadManifest(const std::string& model_path) {
  const fs::path file = fs::path(model_path) / kManifestPath;
  if (!Exists(file)) return "";
  if (!IsFile(file) || SizeOf(file) > kLargestManifest) {
    Damaged(model_path, std::string(kManifestPath) + " is not a file of sensible size");
  }
  std::string text;
  ReadFile(file, [&](std::string_view piece) { text += piece; });
  const Struct manifest = ParseManifest(model_path, text);
  const Value* format = Find(manifest, "format_version");
  if (format == nullptr || format->number_value() < 1)
    Damaged(model_path, std::string(kManifestPath) + " has no format_version");
  if (format->number_value() > kNewestManifestFormat) {
    throw ModelError("the model \"" + model_path + "\" has a manifest of format " +
                     std::to_string(std::llround(format->number_value())) + ", this tftrt reads up to " +
                     std::to_string(kNewestManifestFormat) + ": update tftrt, or convert the model with this one");
  }
  if (!IsAsWritten(text))
    Damaged(model_path, std::string(kManifestPath) + " was changed: its sha256 sum is not the one it holds");
  return text;
}

void VerifyFiles(const std::string& model_path, const std::string& manifest, ManifestFiles which) {
  const Struct parsed = ParseManifest(model_path, manifest);
  const Value* files = Find(parsed, "files");
  if (files == nullptr || files->list_value().values().empty())
    Damaged(model_path, std::string(kManifestPath) + " lists no files");
  for (const Value& entry : files->list_value().values()) {
    const bool engine = IsEngine(StringOf(entry.struct_value(), "path"));
    if (engine == (which == ManifestFiles::kEngines)) VerifyFile(model_path, entry.struct_value());
  }
}

BuildInfo ReadBuildInfo(const std::string& model_path, const std::string& manifest) {
  BuildInfo info;
  if (manifest.empty()) return info;
  const Struct parsed = ParseManifest(model_path, manifest);
  const Value* value = Find(parsed, "build");
  if (value == nullptr || !value->has_struct_value()) return info;
  const Struct& build = value->struct_value();
  const Value* format = Find(build, "format_version");
  if (format == nullptr || format->number_value() < 1)
    Damaged(model_path, std::string(kManifestPath) + " has a build without a format_version");
  info.format_version = static_cast<int>(std::min(format->number_value(), 1e9));
  if (info.format_version > kNewestBuildFormat) return info;
  const Struct& gpu = StructOf(build, "gpu");
  info.gpu = StringOf(gpu, "name");
  info.compute_capability = StringOf(gpu, "compute_capability");
  info.tensorrt = StringOf(build, "tensorrt");
  info.profile_strategy = StringOf(build, "profile_strategy");
  const Value* level = Find(build, "optimization_level");
  if (level != nullptr && level->has_number_value()) {
    info.optimization_level = static_cast<int>(std::clamp(level->number_value(), -1.0, 5.0));
  }
  const Value* requests = Find(build, "requests");
  if (requests == nullptr) return info;
  for (const Value& entry : requests->list_value().values()) {
    const Struct& fields = entry.struct_value();
    BuildInfo::Request& request = info.requests.emplace_back();
    request.signature = StringOf(fields, "signature");
    request.range = StringOf(fields, "role") == "range";
    if (request.range) {
      request.min = ShapesOf(model_path, fields, "min");
      request.opt = ShapesOf(model_path, fields, "opt");
      request.max = ShapesOf(model_path, fields, "max");
    } else {
      request.opt = ShapesOf(model_path, fields, "shapes");
    }
  }
  return info;
}

}  // namespace tftrt
