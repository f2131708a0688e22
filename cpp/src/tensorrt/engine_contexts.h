#ifndef TFTRT_TENSORRT_ENGINE_CONTEXTS_H_
#define TFTRT_TENSORRT_ENGINE_CONTEXTS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engines/engine_source.h"
#include "tensorrt/engine_cache.h"

namespace tftrt {

// Execution contexts of the engines that TF-TRT keeps for one node.
class EngineContexts final : public EngineSource {
 public:
  struct Options {
    bool implicit_batch = false;
    std::size_t outputs = 0;
    bool own = false;  // else TF-TRT's, which only one user may have
  };

  // Of the node with this name. Throws InternalError if TF-TRT keeps none.
  EngineContexts(tensorflow::ResourceMgr& resources, const std::string& name, const Options& options)
      : cache_(EngineCache::Open(resources, name)), options_(options) {}

  std::optional<EngineSlot> Slot(const std::vector<Shape>& shapes) const override {
    return cache_.Slot(shapes, options_.implicit_batch);
  }
  std::unique_ptr<EngineExecution> Execution(const EngineSlot& slot) const override {
    return cache_.Execution(slot, options_.implicit_batch, options_.outputs, options_.own);
  }

 private:
  const EngineCache cache_;
  const Options options_;
};

}  // namespace tftrt

#endif  // TFTRT_TENSORRT_ENGINE_CONTEXTS_H_
