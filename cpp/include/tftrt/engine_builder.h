#ifndef TFTRT_ENGINE_BUILDER_H_
#define TFTRT_ENGINE_BUILDER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tftrt/environment.h"
#include "tftrt/export.h"
#include "tftrt/model.h"
#include "tftrt/stats.h"

namespace tftrt {

struct BuilderOptions {
  // Tag set of the graph inside the SavedModel.
  std::vector<std::string> tags = {"serve"};

  // The GPU to build on, "gpu:N". Engines run on GPUs of the same model only.
  std::string device = "gpu:0";

  // Shared libraries with custom ops, loaded first.
  std::vector<std::string> op_libraries;

  // How shapes become profiles: "Range", "Optimal", "Range+Optimal" or "ImplicitBatchModeCompatible"; empty: as the
  // model was converted. Of no use in implicit-batch mode, where each shape gets an engine.
  std::string profile_strategy;

  // Bytes of GPU memory that a layer may use as scratch space; 0: as the model was converted.
  std::int64_t max_workspace_size_bytes = 0;

  // How long TensorRT looks for fast kernels: 0 takes the first that works, 5 tries the most; -1: TensorRT's own
  // choice, 3. Lower levels build faster; their engines may be slower.
  int optimization_level = -1;

  // What timing_cache() of an earlier build on the same GPU model with the same TensorRT returned; may be empty.
  std::string timing_cache;

  // Calibration tables for engines of INT8 models, {"TRTEngineOp_...": "table"}: those engines need no calibration.
  std::vector<std::pair<std::string, std::string>> calibration_tables;

  // Keep the engines that the model has, in implicit-batch mode, and add others.
  bool keep_engines = false;
};

// What became of one engine.
struct BuiltEngine {
  std::string name;
  bool built = false;
  bool reused = false;  // UsePlans gave it; it was not built here
  std::string problem;  // why it was not built
  double seconds = 0;
  std::vector<EngineProfile> profiles;            // explicit batch
  std::vector<std::vector<Shape>> static_shapes;  // implicit batch: the largest shapes of each engine
};

// What the shapes of an input stand for.
enum class ShapeRole {
  kFixed,  // wanted as they are: the strategy makes profiles of them
  kMin,    // with the kOpt and kMax that follow: one profile of its own
  kOpt,
  kMax,
};

// Builds the engines of a model that tftrt converted, on this machine's GPU, by running it: once for each wanted shape
// as TensorFlow's own ops, which shows the shapes at each engine, then with TensorRT building. In this order: Collect,
// Calibrate (INT8), UsePlans, Build, Save. Takes minutes. Not thread-safe; one builder in a process at a time. Errors
// of TensorRT that it cannot report end the process, so build in a process of its own, as tftrt.build of Python does.
class TFTRT_EXPORT EngineBuilder {
 public:
  // Throws IncompatibleError without a GPU or TensorRT, UnsupportedError for a model that tftrt did not convert, and
  // what Model::Load throws.
  static EngineBuilder Open(const std::string& path, const BuilderOptions& options = {});

  EngineBuilder(EngineBuilder&&) noexcept;
  EngineBuilder& operator=(EngineBuilder&&) noexcept;
  ~EngineBuilder();

  const GpuReport& gpu() const;
  const std::string& tensorrt_version() const;
  // Names, in order.
  std::vector<std::string> engines() const;
  // Whether there are INT8 engines without a calibration table.
  bool needs_calibration() const;
  const std::vector<SignatureSpec>& signatures() const;

  // Runs a signature natively, to see the shapes at each engine. kMin, kOpt, kMax follow one another in this order.
  void Collect(const std::string& signature, const NamedTensors& inputs, ShapeRole role);

  // Feeds one batch of calibration data. All have the same shapes.
  void Calibrate(const std::string& signature, const NamedTensors& inputs);

  // For each engine that is to be built, a sum of all that its plans depend on: native segment, shapes, options,
  // calibration table, GPU, driver, versions. Those of engines with the same key are interchangeable. An engine that
  // is being calibrated has none before Build, and one whose old plans are kept has none at all.
  std::vector<std::pair<std::string, std::string>> PlanKeys() const;

  // Takes the plans of an engine from a file that Save wrote for one of the same key, instead of building them. After
  // Collect, and without Calibrate. Throws ModelError if there are none in the file; the engine is then built.
  void UsePlans(const std::string& engine, const std::string& file);

  // Called with the engine, its number from 1, and the number of engines, when its turn comes.
  using Progress = std::function<void(const std::string& engine, int number, int of)>;

  // Builds all other engines that were collected for. An engine that fails is reported, not thrown.
  std::vector<BuiltEngine> Build(const Progress& progress = {});

  // After Build: of every INT8 engine that was calibrated, here or before.
  std::vector<std::pair<std::string, std::string>> calibration_tables() const;

  // Bytes, for BuilderOptions::timing_cache of the next build.
  std::string timing_cache() const;

  // Writes saved_model.pb and assets/trt-serialized-engine.NAME of the model with its engines into an existing folder.
  // Variables and other files are the original's.
  void Save(const std::string& directory) const;

 private:
  class Impl;
  explicit EngineBuilder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tftrt

#endif  // TFTRT_ENGINE_BUILDER_H_
