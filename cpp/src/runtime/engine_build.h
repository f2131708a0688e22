#ifndef TFTRT_RUNTIME_ENGINE_BUILD_H_
#define TFTRT_RUNTIME_ENGINE_BUILD_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/backend.h"
#include "engines/engine_cache.h"
#include "engines/engine_table.h"
#include "runtime/engine_nodes.h"
#include "tensorflow/core/framework/graph.pb.h"
#include "tensorflow/core/framework/partial_tensor_shape.h"
#include "tensorflow/core/framework/resource_mgr.h"
#include "tensorflow/core/public/session.h"
#include "tftrt/engine_builder.h"

namespace tftrt {

// An engine's node, as far as a build needs it.
struct EngineNode {
  std::string name;
  bool implicit_batch = true;
  bool calibrates = false;  // INT8, and there is no calibration table
  std::string profile_strategy;
  std::vector<tensorflow::PartialTensorShape> input_shapes;
  std::vector<tensorflow::DataType> input_types;
  std::vector<tensorflow::DataType> output_types;
};

// Of the TRTEngineOp nodes, in functions too, sorted by name. Nodes that share a name are one engine.
std::vector<EngineNode> ReadEngineNodes(const tensorflow::GraphDef& graph);

// In the same order.
std::vector<std::string> NamesOf(const std::vector<EngineNode>& engines);

// The GPU's resources, where TF-TRT keeps engines. Throws InternalError if the session has no such device.
tensorflow::ResourceMgr& ResourcesOf(tensorflow::Session& session, const std::string& device);

// Builds engines in a session whose graph has EngineOps and EngineControls. What EngineBuilder says of the order holds.
class EngineBuild {
 public:
  EngineBuild(tensorflow::Session& session, EngineTable& table, tensorflow::ResourceMgr& resources,
              std::vector<EngineNode> engines, std::map<std::string, EngineControls> controls);
  ~EngineBuild();

  const std::vector<EngineNode>& engines() const { return engines_; }

  // Makes the caches of the engines, filled from these files where there is one.
  void MakeCaches(const std::map<std::string, std::string>& files);

  void Collect(const Callable& callable, const std::vector<Tensor>& inputs, ShapeRole role);
  void Calibrate(const Callable& callable, const std::vector<Tensor>& inputs);

  // Whether an input made the engine run.
  bool IsReached(const std::string& engine) const { return Wanted(engine) != nullptr; }
  // What the engine is to be built for; null if it was not reached.
  const WantedProfiles* Wanted(const std::string& engine) const;

  // Fills the cache of an engine from the file: Build leaves it as it is. Throws ModelError if the file has no plans.
  void UsePlans(const EngineNode& engine, const std::string& file);

  std::vector<BuiltEngine> Build(const EngineBuilder::Progress& progress);

  // Of the calibrations that Build ended.
  const std::map<std::string, std::string>& calibration_tables() const { return tables_; }

  void WriteEngines(const std::string& engine, const std::string& file) const;

 private:
  struct Call {
    const Callable* callable;
    std::vector<Tensor> inputs;
  };

  void Restore(const EngineNode& engine, const std::string& file);
  void Run(const Callable& callable, const std::vector<Tensor>& inputs, EngineMode mode);
  void SetProfiles(const EngineNode& engine);
  void EndCalibration(const EngineNode& engine, BuiltEngine& result);

  tensorflow::Session& session_;
  EngineTable& table_;
  tensorflow::ResourceMgr& resources_;
  const std::vector<EngineNode> engines_;
  const std::map<std::string, EngineControls> controls_;
  std::map<std::string, WantedProfiles> wanted_;        // by engine
  std::map<std::string, WantedProfiles::Range> range_;  // under way, by engine
  std::vector<Call> calls_;                             // run each of them to have all engines built
  std::set<std::string> reused_;                        // engines whose plans were given
  std::set<std::string> profiled_;                      // engines whose profiles are final
  bool calibrating_ = false;
  std::map<std::string, std::string> tables_;
};

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_ENGINE_BUILD_H_
