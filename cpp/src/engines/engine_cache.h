#ifndef TFTRT_ENGINES_ENGINE_CACHE_H_
#define TFTRT_ENGINES_ENGINE_CACHE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engines/engine_plans.h"
#include "engines/engine_source.h"
#include "engines/engine_table.h"
#include "tensorflow/core/framework/partial_tensor_shape.h"

namespace tftrt {

// What an engine shall be built for.
struct WantedProfiles {
  std::vector<CollectedInputs> fixed;  // become profiles by the strategy
  std::string strategy = "Range";      // TF-TRT's name for it
  struct Range {
    CollectedInputs min;
    CollectedInputs opt;
    CollectedInputs max;
  };
  std::vector<Range> ranges;  // each becomes a profile of its own
  // Of a calibration: they become no profiles, but the engine's kernel sees them.
  std::vector<CollectedInputs> calibration;
};

// The cache in which TF-TRT keeps one node's engines and profiles, a resource of the GPU's device. Not thread-safe:
// hold EngineRecord::delegate_mutex().
class EngineCache {
 public:
  virtual ~EngineCache() = default;

  virtual EnginePlans Plans(bool implicit_batch) const = 0;

  // What runs inputs of these shapes; nothing if there is no engine for them.
  virtual std::optional<EngineSlot> Slot(const std::vector<Shape>& shapes, bool implicit_batch) const = 0;

  // Keeps the cache. `another`: not TF-TRT's own execution context, but a new one of the same engine. Throws
  // UnsupportedError if only one context at a time can use the profile.
  virtual std::unique_ptr<EngineExecution> Execution(const EngineSlot& slot, bool implicit_batch, std::size_t outputs,
                                                     bool another) const = 0;

  // Sets the profiles that the next build, in explicit batch mode, uses.
  virtual void SetProfiles(const WantedProfiles& wanted,
                           const std::vector<tensorflow::PartialTensorShape>& input_shapes) = 0;

  // Forgets failed builds, which would otherwise stand in the way of engines. Returns how many there were.
  virtual int DropFailedBuilds() = 0;
};

}  // namespace tftrt

#endif  // TFTRT_ENGINES_ENGINE_CACHE_H_
