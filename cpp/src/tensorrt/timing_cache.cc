#include "tensorrt/timing_cache.h"

#include "tensorrt/tf_trt_layout.h"

namespace tftrt {
namespace {

// The one entry that TF-TRT uses.
constexpr char kEntry[] = "default_cache";

}  // namespace

std::string GetTimingCache() {
  auto& registry = *tensorflow::tensorrt::convert::GetTimingCacheRegistry();
  const tensorflow::mutex_lock lock(registry.mu_);
  const auto entry = registry.map_.find(kEntry);
  return entry == registry.map_.end() ? "" : std::string(entry->second.begin(), entry->second.end());
}

void SetTimingCache(const std::string& bytes) {
  if (bytes.empty()) return;
  auto& registry = *tensorflow::tensorrt::convert::GetTimingCacheRegistry();
  const tensorflow::mutex_lock lock(registry.mu_);
  registry.map_[kEntry].assign(bytes.begin(), bytes.end());
}

}  // namespace tftrt
