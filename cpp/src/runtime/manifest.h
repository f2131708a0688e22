#ifndef TFTRT_RUNTIME_MANIFEST_H_
#define TFTRT_RUNTIME_MANIFEST_H_

#include <string>
#include <utility>
#include <vector>

#include "tftrt/model.h"

namespace tftrt {

// The manifest that tftrt writes into a converted model: assets.extra/tftrt.json.
inline constexpr char kManifestPath[] = "assets.extra/tftrt.json";
inline constexpr int kNewestManifestFormat = 1;

// Of the manifest's part about engines.
inline constexpr int kNewestBuildFormat = 1;

// How TF-TRT names the files with engines in assets/.
inline constexpr char kEngineAsset[] = "trt-serialized-engine.";

// The manifest's text; empty if the model has none. Throws ModelError if it cannot be read, is not JSON, is of a
// newer format, or is not what tftrt wrote (its sha256 sum is inside).
std::string ReadManifest(const std::string& model_path);

enum class ManifestFiles { kEngines, kOthers };

// Compares size and sha256 sum of the files that the manifest lists with the model's: those with engines, or all
// others. Throws ModelError that names the first one that differs.
void VerifyFiles(const std::string& model_path, const std::string& manifest, ManifestFiles which);

// What the manifest says about the engines in a model.
struct BuildInfo {
  int format_version = 0;
  std::string gpu;
  std::string compute_capability;
  std::string tensorrt;
  std::string profile_strategy;
  int optimization_level = -1;  // TensorRT's own
  // Shapes that were built for.
  struct Request {
    std::string signature;
    bool range = false;  // min, opt and max; else opt alone
    NamedShapes min;
    NamedShapes opt;
    NamedShapes max;
  };
  std::vector<Request> requests;
};

// format_version 0 if no engines were built. Throws ModelError if what is there makes no sense; a newer format_version
// is returned with all else empty.
BuildInfo ReadBuildInfo(const std::string& model_path, const std::string& manifest);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_MANIFEST_H_
