#ifndef TFTRT_TENSORRT_ENGINE_CACHE_H_
#define TFTRT_TENSORRT_ENGINE_CACHE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engines/engine_plans.h"
#include "engines/engine_table.h"
#include "tensorflow/core/framework/partial_tensor_shape.h"
#include "tensorflow/core/framework/resource_mgr.h"
#include "tensorrt/engine_execution.h"

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
};

// The cache in which TF-TRT keeps one node's engines and profiles, a resource of the GPU's device. Not thread-safe:
// hold EngineRecord::delegate_mutex().
class EngineCache {
 public:
  // Engines of the node with this name. Throws InternalError if there is no such cache.
  static EngineCache Open(tensorflow::ResourceMgr& resources, const std::string& name);
  // The same, without throwing if there is none.
  static std::optional<EngineCache> Find(tensorflow::ResourceMgr& resources, const std::string& name);

  EnginePlans Plans(bool implicit_batch) const;

  // What runs inputs of these shapes; nothing if there is no engine for them.
  std::optional<EngineSlot> Slot(const std::vector<Shape>& shapes, bool implicit_batch) const;

  // Keeps the cache. `another`: not TF-TRT's own execution context, but a new one of the same engine. Throws
  // UnsupportedError if only one context at a time can use the profile.
  std::unique_ptr<EngineExecution> Execution(const EngineSlot& slot, bool implicit_batch, std::size_t outputs,
                                             bool another) const;

  // Sets the profiles that the next build, in explicit batch mode, uses.
  void SetProfiles(const WantedProfiles& wanted, const std::vector<tensorflow::PartialTensorShape>& input_shapes);

  // Forgets failed builds, which would otherwise stand in the way of engines. Returns how many there were.
  int DropFailedBuilds();

 private:
  struct Resource;
  explicit EngineCache(std::shared_ptr<Resource> resource) : resource_(std::move(resource)) {}
  std::shared_ptr<Resource> resource_;
};

// TF-TRT's arithmetic for `wanted`, on its own. Throws InvalidArgumentError for a strategy that TF-TRT does not know or
// inputs whose rank changes.
std::vector<EnginePlans::ProfileWithValues> MakeProfiles(
    const WantedProfiles& wanted, const std::vector<tensorflow::PartialTensorShape>& input_shapes);

}  // namespace tftrt

#endif  // TFTRT_TENSORRT_ENGINE_CACHE_H_
