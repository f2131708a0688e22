#ifndef TFTRT_RUNTIME_MANIFEST_H_
#define TFTRT_RUNTIME_MANIFEST_H_

#include <string>

namespace tftrt {

// The manifest that tftrt writes into a converted model: assets.extra/tftrt.json.
inline constexpr char kManifestPath[] = "assets.extra/tftrt.json";
inline constexpr int kNewestManifestFormat = 1;

// The manifest's text; empty if the model has none. Throws ModelError if it cannot be read, is not JSON, is of a
// newer format, or is not what tftrt wrote (its sha256 sum is inside).
std::string ReadManifest(const std::string& model_path);

// Compares size and sha256 sum of every file that the manifest lists with the model's. Throws ModelError that names
// the first one that differs.
void VerifyFiles(const std::string& model_path, const std::string& manifest);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_MANIFEST_H_
