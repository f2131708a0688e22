#ifndef TFTRT_ENGINES_ENGINE_CONTEXTS_H_
#define TFTRT_ENGINES_ENGINE_CONTEXTS_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engines/engine_cache.h"
#include "engines/engine_source.h"

namespace tftrt {

// Execution contexts of the engines that TF-TRT keeps for one node.
class EngineContexts final : public EngineSource {
 public:
  struct Options {
    bool implicit_batch = false;
    std::size_t outputs = 0;
    bool own = false;  // else TF-TRT's, which only one user may have
  };

  EngineContexts(std::unique_ptr<EngineCache> cache, const Options& options)
      : cache_(std::move(cache)), options_(options) {}

  std::optional<EngineSlot> Slot(const std::vector<Shape>& shapes) const override {
    return cache_->Slot(shapes, options_.implicit_batch);
  }
  std::unique_ptr<EngineExecution> Execution(const EngineSlot& slot) const override {
    return cache_->Execution(slot, options_.implicit_batch, options_.outputs, options_.own);
  }

 private:
  const std::unique_ptr<EngineCache> cache_;
  const Options options_;
};

}  // namespace tftrt

#endif  // TFTRT_ENGINES_ENGINE_CONTEXTS_H_
