// What libtftrt_tensorrt.so exports.

#include "api/runtime_loader.h"
#include "engines/tf_trt.h"
#include "tensorrt/optimization_level.h"
#include "tensorrt/tf_trt_engine_cache.h"
#include "tensorrt/timing_cache.h"

namespace tftrt {
namespace {

class OpenedTfTrt final : public TfTrt {
 public:
  std::unique_ptr<EngineCache> FindCache(tensorflow::ResourceMgr& resources, const std::string& name) override {
    return FindTfTrtEngineCache(resources, name);
  }

  std::vector<EnginePlans::ProfileWithValues> MakeProfiles(
      const WantedProfiles& wanted, const std::vector<tensorflow::PartialTensorShape>& input_shapes) override {
    return MakeTfTrtProfiles(wanted, input_shapes);
  }

  std::string GetTimingCache() override { return tftrt::GetTimingCache(); }
  void SetTimingCache(const std::string& bytes) override { tftrt::SetTimingCache(bytes); }
  void SetOptimizationLevel(int level) override { tftrt::SetOptimizationLevel(level); }
};

}  // namespace
}  // namespace tftrt

extern "C" __attribute__((visibility("default"))) tftrt::TfTrt* tftrt_tf_trt() {
  static tftrt::OpenedTfTrt opened;
  return &opened;
}
