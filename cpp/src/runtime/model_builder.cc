#include "runtime/model_builder.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <utility>

#include "engines/tf_trt.h"
#include "kernels/engine_op.h"
#include "runtime/callable.h"
#include "runtime/captured_variables.h"
#include "runtime/engine_build.h"
#include "runtime/engine_match.h"
#include "runtime/engine_nodes.h"
#include "runtime/graph_edits.h"
#include "runtime/manifest.h"
#include "runtime/optimizer_options.h"
#include "runtime/plan_key.h"
#include "runtime/saved_model.h"
#include "runtime/session_options.h"
#include "runtime/session_start.h"
#include "runtime/signatures.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

namespace fs = std::filesystem;

using tensorflow::MetaGraphDef;
using tensorflow::NodeDef;

const EngineNode& NodeNamed(const std::vector<EngineNode>& engines, const std::string& name) {
  const auto found =
      std::find_if(engines.begin(), engines.end(), [&](const EngineNode& engine) { return engine.name == name; });
  if (found == engines.end()) throw InvalidArgumentError("the model has no engine \"" + name + "\"");
  return *found;
}

template <typename F>
void ForEachEngine(MetaGraphDef& meta_graph, F f) {
  for (NodeDef& node : *meta_graph.mutable_graph_def()->mutable_node()) {
    if (node.op() == kEngineOp) f(EngineName(node.name()), *node.mutable_attr());
  }
}

void ApplyOptions(const BuilderOptions& options, MetaGraphDef& meta_graph) {
  const std::map<std::string, std::string> tables(options.calibration_tables.begin(), options.calibration_tables.end());
  std::set<std::string> known;
  ForEachEngine(meta_graph, [&](const std::string& engine, auto& attrs) {
    known.insert(engine);
    if (!options.profile_strategy.empty()) attrs["profile_strategy"].set_s(options.profile_strategy);
    if (options.max_workspace_size_bytes > 0) attrs["workspace_size_bytes"].set_i(options.max_workspace_size_bytes);
    const auto table = tables.find(engine);
    if (table != tables.end()) attrs["calibration_data"].set_s(table->second);
  });
  for (const auto& [engine, table] : tables) {
    if (known.count(engine) != 0) continue;
    throw InvalidArgumentError("there is a calibration table for the engine \"" + engine +
                               "\", which the model does not have: the table is another model's");
  }
}

class SessionModelBuilder final : public ModelBuilder {
 public:
  SessionModelBuilder(const std::string& path, const BuilderOptions& options, const ResolvedRuntimeOptions& runtime)
      : tags_(options.tags), keep_engines_(options.keep_engines), optimization_level_(options.optimization_level) {
    const std::string manifest = ReadManifest(path);
    if (manifest.empty()) {
      throw UnsupportedError("\"" + path + "\" was not converted by tftrt; convert the original model first: " +
                             "tftrt convert MODEL DESTINATION");
    }
    VerifyFiles(path, manifest, ManifestFiles::kOthers);
    const Placement placement = ResolveDevice(options.device);
    if (!placement.gpu) throw InvalidArgumentError("device is \"" + options.device + "\"; engines need \"gpu:N\"");
    std::string problem = OpenTensorRt();
    if (problem.empty()) problem = TfTrtProblem();
    if (!problem.empty()) throw IncompatibleError("engines cannot be built without TensorRT: " + problem);
    gpu_ = InspectGpu(placement.gpu_index);
    tensorrt_ = TensorRtVersion();
    if (options.keep_engines) {
      const BuildInfo build = ReadBuildInfo(path, manifest);
      const EngineMismatch mismatch = FindMismatch(path, manifest, build, gpu_, tensorrt_);
      if (!mismatch.problem.empty()) ThrowMismatch(path, build, mismatch);
    }

    saved_model_ = ReadSavedModel(path);
    MetaGraphDef& original = FindMetaGraph(saved_model_, tags_, path);
    meta_graph_ = &original;
    RequireVariables(original, path);
    LoadOpLibraries(options.op_libraries);
    ApplyOptions(options, original);
    bound_ = ReadSignatures(original);
    for (const BoundSignature& signature : bound_) specs_.push_back(signature.spec);
    const std::vector<EngineNode> engines = ReadEngineNodes(original.graph_def());
    if (engines.empty()) throw InvalidArgumentError("\"" + path + "\" has no engines, so there is nothing to build");

    MetaGraphDef meta_graph = original;
    table_ = EngineTable::Create(path, OnMiss::kNative, /*warnings=*/false);
    EditGraph({path, placement, EngineUse::kEmpty, table_.get(), /*builds=*/true}, meta_graph);
    auto controls = AddEngineControls(NamesOf(engines), placement.Device(), *meta_graph.mutable_graph_def());
    session_ = StartSession(MakeSessionOptions({}, runtime, placement, /*single_threaded=*/false,
                                               MakeGraphOptions(meta_graph.graph_def(), bound_, placement,
                                                                /*converted=*/true)),
                            meta_graph, path);
    InitialiseSession(meta_graph, path, session_);
    RequireCapturedVariables(meta_graph, path, *session_);
    GetTfTrt().SetTimingCache(options.timing_cache);
    GetTfTrt().SetOptimizationLevel(options.optimization_level);
    build_ = std::make_unique<EngineBuild>(*session_, *table_, ResourcesOf(*session_, placement.Device()), engines,
                                           std::move(controls));
    build_->MakeCaches(options.keep_engines ? EngineFiles(path) : std::map<std::string, std::string>());
  }

  ~SessionModelBuilder() override {
    callables_.clear();
    build_.reset();
    if (session_ != nullptr) session_->Close().IgnoreError();
  }

  const GpuReport& gpu() const override { return gpu_; }
  const std::string& tensorrt_version() const override { return tensorrt_; }
  const std::vector<SignatureSpec>& signatures() const override { return specs_; }

  std::vector<std::string> engines() const override { return NamesOf(build_->engines()); }

  bool needs_calibration() const override {
    const auto& engines = build_->engines();
    return std::any_of(engines.begin(), engines.end(), [](const EngineNode& engine) { return engine.calibrates; });
  }

  void Collect(const SignatureSpec& signature, const std::vector<Tensor>& inputs, ShapeRole role) override {
    build_->Collect(CallableOf(signature), inputs, role);
  }

  void Calibrate(const SignatureSpec& signature, const std::vector<Tensor>& inputs) override {
    build_->Calibrate(CallableOf(signature), inputs);
  }

  std::vector<std::pair<std::string, std::string>> PlanKeys() const override {
    std::vector<std::pair<std::string, std::string>> keys;
    if (keep_engines_) return keys;
    for (const NodeDef& node : meta_graph_->graph_def().node()) {
      if (node.op() != kEngineOp) continue;
      const std::string name = EngineName(node.name());
      const WantedProfiles* wanted = build_->Wanted(name);
      const auto table = build_->calibration_tables().find(name);
      const bool has_table = table != build_->calibration_tables().end();
      if (wanted == nullptr || (NodeNamed(build_->engines(), name).calibrates && !has_table)) continue;
      NodeDef complete = node;
      if (has_table) (*complete.mutable_attr())["calibration_data"].set_s(table->second);
      keys.emplace_back(
          name, PlanKey(complete, meta_graph_->graph_def().library(), *wanted, {gpu_, tensorrt_, optimization_level_}));
    }
    return keys;
  }

  void UsePlans(const std::string& engine, const std::string& file) override {
    build_->UsePlans(NodeNamed(build_->engines(), engine), file);
  }

  std::vector<BuiltEngine> Build(const EngineBuilder::Progress& progress) override {
    built_ = build_->Build(progress);
    return built_;
  }

  std::vector<std::pair<std::string, std::string>> calibration_tables() const override {
    std::map<std::string, std::string> tables;
    for (const auto& meta_graph : saved_model_.meta_graphs()) {
      for (const NodeDef& node : meta_graph.graph_def().node()) {
        if (node.op() != kEngineOp) continue;
        const auto attr = node.attr().find("calibration_data");
        if (attr != node.attr().end() && !attr->second.s().empty()) tables[EngineName(node.name())] = attr->second.s();
      }
    }
    for (const auto& [engine, table] : build_->calibration_tables()) tables[engine] = table;
    return {tables.begin(), tables.end()};
  }

  std::string timing_cache() const override { return GetTfTrt().GetTimingCache(); }

  void Save(const std::string& directory) const override {
    const fs::path assets = fs::path(directory) / "assets";
    std::map<std::string, std::string> files;
    for (const BuiltEngine& engine : built_) {
      if (!engine.built) continue;
      fs::create_directories(assets);
      const std::string file = kEngineAsset + engine.name;
      build_->WriteEngines(engine.name, (assets / file).string());
      files[engine.name] = file;
    }
    tensorflow::SavedModel result = saved_model_;
    MetaGraphDef& meta_graph = FindMetaGraph(result, tags_, directory);
    DropEngineRestore(meta_graph);
    std::int64_t most = 1;
    for (const BuiltEngine& engine : built_) {
      most = std::max(most, static_cast<std::int64_t>(engine.static_shapes.size()));
    }
    ForEachEngine(meta_graph, [&](const std::string& engine, auto& attrs) {
      const auto table = build_->calibration_tables().find(engine);
      if (table != build_->calibration_tables().end()) attrs["calibration_data"].set_s(table->second);
      auto& size = attrs["max_cached_engines_count"];
      size.set_i(std::max(size.i(), most));
      most = size.i();
    });
    AddEngineRestore(files, most, meta_graph);
    std::ofstream stream(fs::path(directory) / "saved_model.pb", std::ios::binary);
    if (!result.SerializeToOstream(&stream) || !stream.flush()) {
      throw InternalError("cannot write saved_model.pb (" + std::to_string(result.ByteSizeLong()) + " bytes) to " +
                          directory + "; is there room?");
    }
  }

 private:
  static std::map<std::string, std::string> EngineFiles(const std::string& path) {
    std::map<std::string, std::string> files;
    std::error_code error;
    const std::string prefix = kEngineAsset;
    for (const auto& entry : fs::directory_iterator(fs::path(path) / "assets", error)) {
      const std::string name = entry.path().filename().string();
      if (name.rfind(prefix, 0) == 0) files[name.substr(prefix.size())] = entry.path().string();
    }
    return files;
  }

  const Callable& CallableOf(const SignatureSpec& signature) {
    auto& callable = callables_[signature.name];
    if (callable != nullptr) return *callable;
    const auto bound = std::find_if(bound_.begin(), bound_.end(), [&](const BoundSignature& candidate) {
      return candidate.spec.name == signature.name;
    });
    CallableTensors tensors;
    tensors.signature = signature.name;
    tensors.inputs = bound->input_tensors;
    // The inputs are kept until the end.
    tensors.copy_input.assign(tensors.inputs.size(), true);
    tensors.outputs = bound->output_tensors;
    callable = MakeSessionCallable(*session_, tensors, /*single_threaded=*/false, nullptr);
    return *callable;
  }

  const std::vector<std::string> tags_;
  const bool keep_engines_;
  const int optimization_level_;
  GpuReport gpu_;
  std::string tensorrt_;
  tensorflow::SavedModel saved_model_;
  const MetaGraphDef* meta_graph_ = nullptr;  // of saved_model_, with the options in its nodes
  std::vector<BoundSignature> bound_;
  std::vector<SignatureSpec> specs_;
  std::shared_ptr<EngineTable> table_;
  std::unique_ptr<tensorflow::Session> session_;
  std::unique_ptr<EngineBuild> build_;
  std::map<std::string, std::unique_ptr<Callable>> callables_;
  std::vector<BuiltEngine> built_;
};

}  // namespace

std::unique_ptr<ModelBuilder> MakeModelBuilder(const std::string& path, const BuilderOptions& options,
                                               const ResolvedRuntimeOptions& runtime) {
  return std::make_unique<SessionModelBuilder>(path, options, runtime);
}

}  // namespace tftrt
