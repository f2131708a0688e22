#include "load/loaded_model.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "batching/batching_callable.h"
#include "direct/direct_callable.h"
#include "direct/direct_signature.h"
#include "direct/replayed_engine.h"
#include "engines/engine_contexts.h"
#include "engines/engine_table.h"
#include "engines/tf_trt.h"
#include "kernels/engine_op.h"
#include "load/memory_stock.h"
#include "runtime/batch_shapes.h"
#include "runtime/callable.h"
#include "runtime/captured_variables.h"
#include "runtime/engine_build.h"
#include "runtime/engine_match.h"
#include "runtime/engine_nodes.h"
#include "runtime/executor_choice.h"
#include "runtime/gpu_callable.h"
#include "runtime/graph_edits.h"
#include "runtime/graph_walk.h"
#include "runtime/input_retention.h"
#include "runtime/manifest.h"
#include "runtime/optimizer_options.h"
#include "runtime/saved_model.h"
#include "runtime/session_options.h"
#include "runtime/session_start.h"
#include "runtime/signatures.h"
#include "runtime/state_analysis.h"
#include "runtime/thread_pools.h"
#include "tensorflow/core/util/util.h"
#include "tf/gpu_device.h"
#include "tftrt/environment.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

// Zeros.
std::vector<Tensor> MakeInputs(const SignatureSpec& spec, const NamedShapes& shapes) {
  std::vector<Tensor> inputs;
  for (const TensorSpec& input : spec.inputs) {
    const auto shape =
        std::find_if(shapes.begin(), shapes.end(), [&](const auto& named) { return named.first == input.name; });
    if (shape == shapes.end()) {
      throw ModelError("the manifest has no shape for the input \"" + input.name + "\"; build the engines again");
    }
    Tensor& tensor = inputs.emplace_back(Tensor::Empty(input.dtype, shape->second));
    if (tensor.num_bytes() != 0) std::memset(tensor.data(), 0, tensor.num_bytes());
  }
  return inputs;
}

void NoteInlined(const tensorflow::GraphDef& graph, EngineTable& table) {
  ForEachNode(graph, [&](const tensorflow::NodeDef& node) {
    if (node.op() == kEngineOp) table.Get(EngineName(node.name())).set_inlined();
  });
}

// Signatures whose calls change something, also the next random number.
std::set<std::string> FindActingSignatures(const tensorflow::GraphDef& graph,
                                           const std::vector<BoundSignature>& signatures) {
  const StateAnalysis analysis(graph);
  std::set<std::string> acting;
  for (const BoundSignature& signature : signatures) {
    const GraphParts parts = analysis.PartsOf(signature.output_tensors);
    if (analysis.HasEffects(parts) || analysis.IsRandom(parts)) acting.insert(signature.spec.name);
  }
  return acting;
}

class PhaseTimer {
 public:
  explicit PhaseTimer(ModelInfo& info) : info_(info) {}

  void EndPhase(const char* name) {
    const auto now = std::chrono::steady_clock::now();
    info_.load_seconds.emplace_back(name, std::chrono::duration<double>(now - start_).count());
    start_ = now;
  }

 private:
  ModelInfo& info_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

ExecutorChoice ChooseExecutor(const std::string& wanted, const Placement& placement, const tensorflow::GraphDef& graph,
                              const std::vector<BoundSignature>& signatures) {
  if (wanted == "parallel") return {false, "chosen by the option executor"};
  if (wanted == "auto") {
    // A GPU model fed from the host has two partitions, each of which would block a thread of the pool.
    if (placement.gpu) return {false, "the model runs on a GPU"};
    std::vector<std::vector<std::string>> outputs;
    for (const BoundSignature& signature : signatures) outputs.push_back(signature.output_tensors);
    return ChooseCpuExecutor(graph, outputs, tensorflow::IsMKLEnabled());
  }
  if (wanted != "single") {
    throw InvalidArgumentError("executor is \"" + wanted + "\"; expected \"auto\", \"parallel\" or \"single\"");
  }
  if (placement.gpu) {
    throw UnsupportedError("executor \"single\" runs models on a CPU only; use \"auto\", or device = \"cpu\"");
  }
  const ExecutorChoice possible = CanRunSingleThreaded(graph);
  if (!possible.single) {
    throw UnsupportedError("executor \"single\" cannot run this model: " + possible.reason +
                           "; use \"auto\" or \"parallel\"");
  }
  return {true, "chosen by the option executor"};
}

// What is done about the engines of a model.
struct EngineDecision {
  EngineUse use = EngineUse::kInline;
  bool rebuild = false;
  std::string problem;  // why engines are not used, on a GPU
};

class SessionModel final : public LoadedModel {
 public:
  SessionModel(const std::string& path, const ModelOptions& options, const ResolvedRuntimeOptions& runtime) {
    info_.path = path;
    info_.tags = options.tags;
    const OnMiss on_miss = ParseOnMiss(options.on_miss);
    const OnMismatch on_mismatch = ParseOnMismatch(options.on_mismatch);
    const CudaGraphs cuda_graphs = ParseCudaGraphs(options.cuda_graphs);
    if (options.instances < 1) {
      throw InvalidArgumentError("instances is " + std::to_string(options.instances) + "; expected 1 or more");
    }
    if (options.max_batch < 0 || options.max_wait_us < 0 || options.max_queued_batches < 1) {
      throw InvalidArgumentError("max_batch is " + std::to_string(options.max_batch) + ", max_wait_us " +
                                 std::to_string(options.max_wait_us) + " and max_queued_batches " +
                                 std::to_string(options.max_queued_batches) +
                                 "; expected 0 or more, 0 or more, and 1 or more");
    }
    if (options.max_batch > 1) {
      batch_scheduler_ = MakeBatchScheduler(options.instances);
      batching_ = {options.max_batch, options.max_wait_us, options.max_queued_batches, 0, runtime.warnings};
    }
    PhaseTimer timer(info_);
    manifest_ = ReadManifest(path);
    if (!manifest_.empty()) VerifyFiles(path, manifest_, ManifestFiles::kOthers);
    timer.EndPhase("verify");

    tensorflow::SavedModel saved_model = ReadSavedModel(path);
    tensorflow::MetaGraphDef& meta_graph = FindMetaGraph(saved_model, options.tags, path);
    RequireVariables(meta_graph, path);
    timer.EndPhase("read");

    // Models that earlier versions converted have no mark.
    const bool converted = IsMarkedAsConverted(meta_graph) || !manifest_.empty();
    if (converted && manifest_.empty() && runtime.warnings) {
      std::fprintf(
          stderr,
          "tftrt: warning: \"%s\" was converted by tftrt, but %s is missing, so its files cannot be checked. Copy "
          "the whole folder\n",
          path.c_str(), kManifestPath);
    }
    bound_ = ReadSignatures(meta_graph);
    for (const BoundSignature& signature : bound_) specs_.push_back(signature.spec);
    LoadOpLibraries(options.op_libraries);
    info_.engines = CountEngines(meta_graph.graph_def());
    const Placement placement = ResolveDevice(options.device);
    table_ = EngineTable::Create(path, on_miss, runtime.warnings);
    const BuildInfo build = ReadBuildInfo(path, manifest_);
    const EngineDecision decision = Decide(placement, meta_graph, build, on_miss, on_mismatch);
    info_.engine_problem = decision.problem;
    timer.EndPhase("match");

    if (decision.use == EngineUse::kInline) NoteInlined(meta_graph.graph_def(), *table_);
    engines_ = ReadEngineNodes(meta_graph.graph_def());
    EditGraph({path, placement, decision.use, table_.get(), decision.rebuild || on_miss == OnMiss::kBuild, converted},
              meta_graph);
    std::map<std::string, EngineControls> controls;
    if (decision.rebuild) {
      controls = AddEngineControls(NamesOf(engines_), placement.Device(), *meta_graph.mutable_graph_def());
    }
    // Where requests may build engines, TF-TRT's kernel has to run them.
    const bool direct = decision.use != EngineUse::kInline && on_miss != OnMiss::kBuild;
    direct_signatures_.resize(bound_.size());
    if (direct) {
      direct_signatures_ = FindDirectSignatures(meta_graph.graph_def(), bound_);
      PlaceChecksOnHost(direct_signatures_, bound_, *meta_graph.mutable_graph_def());
    }
    const ExecutorChoice executor = ChooseExecutor(options.executor, placement, meta_graph.graph_def(), bound_);
    for (const BoundSignature& signature : bound_) {
      copy_inputs_.push_back(MayBeRetained(meta_graph.graph_def(), signature.input_tensors));
      const bool batches = batch_scheduler_ != nullptr && signature.spec.unsupported.empty();
      obstacles_to_sharing_.push_back(batches ? ObstacleToSharing(meta_graph.graph_def(), signature) : "");
    }
    if (decision.use != EngineUse::kInline) acting_signatures_ = FindActingSignatures(meta_graph.graph_def(), bound_);
    may_block_ = MayBlock(meta_graph.graph_def());
    batching_.tolerance = ToleranceOf(placement.gpu, decision.use, meta_graph.graph_def());
    info_.device = placement.Name();
    info_.executor = executor.single ? "single" : "parallel";
    info_.executor_reason = executor.reason;
    single_threaded_ = executor.single;
    if (options.intra_op_threads > 0) intra_op_pool_ = std::make_unique<IntraOpPool>(options.intra_op_threads);
    timer.EndPhase("edit");
    for (const std::string& file : EngineAssets(meta_graph)) stock_.AddPlan(path + "/assets/" + file);

    session_ = StartSession(MakeSessionOptions(options, runtime, placement, single_threaded_,
                                               MakeGraphOptions(meta_graph.graph_def(), bound_, placement, converted)),
                            meta_graph, path);
    if (placement.gpu) {
      gpu_ = std::make_unique<GpuDevice>(OpenGpu(*session_, placement.Device(), placement.gpu_index));
      stock_.BeginRestoring(*gpu_);
    }
    timer.EndPhase("session");
    InitialiseSession(meta_graph, path, session_);
    RequireCapturedVariables(meta_graph, path, *session_);
    if (decision.use == EngineUse::kRestore) TakePlans(ResourcesOf(*session_, placement.Device()));
    timer.EndPhase("restore");
    if (decision.rebuild) {
      Rebuild(std::move(controls), build, ResourcesOf(*session_, placement.Device()));
      timer.EndPhase("rebuild");
    }
    for (const EngineRecord* record : table_->records()) info_.engines_ready += record->HasPlans();
    MakeDirectEngines(options.instances, cuda_graphs);
    if (direct && cuda_graphs != CudaGraphs::kOff) ReplayOtherEngines(cuda_graphs);
    if (options.warm_engines && info_.engines_ready > 0) PlanWarmUp(build);
  }

  ~SessionModel() override {
    direct_engines_.clear();
    for (EngineRecord* record : table_->records()) record->set_replay(nullptr);
    if (session_ != nullptr) session_->Close().IgnoreError();
  }

  const ModelInfo& info() const override { return info_; }
  const std::string& manifest() const override { return manifest_; }
  const std::vector<SignatureSpec>& signatures() const override { return specs_; }
  std::vector<EngineStats> engine_stats() const override { return table_->Snapshot(); }
  ModelMemory memory() const override { return stock_.Now(gpu_.get()); }
  bool may_block() const override { return may_block_; }
  void CancelCalls() override { session_->Close().IgnoreError(); }
  void EndLoading() override {
    table_->Reset();
    stock_.EndLoading(gpu_.get());
  }
  const WarmUp& warm_up() const override { return warm_up_; }
  void WarmEngines() override {
    for (const auto& [name, engine] : direct_engines_) engine->Warm();
    for (const EngineNode& engine : engines_) {
      EngineRecord& record = table_->Get(engine.name);
      const std::lock_guard lock(record.delegate_mutex());
      if (record.replay() != nullptr) {
        record.replay()->Warm(record.plans());
      } else if (RunsInsideGraph(engine)) {
        // TensorFlow's kernel runs it, with contexts of its own.
        try {
          MakeReplay(engine, CudaGraphs::kOff, /*own=*/true)->Warm(record.plans());
        } catch (const UnsupportedError&) {  // its profiles have one context each
        }
      }
    }
  }

  std::unique_ptr<Callable> MakeCallable(const SignatureSpec& signature,
                                         const std::vector<std::size_t>& outputs) override {
    const auto bound = std::find_if(bound_.begin(), bound_.end(), [&](const BoundSignature& candidate) {
      return candidate.spec.name == signature.name;
    });
    CallableTensors tensors;
    tensors.signature = signature.name;
    tensors.inputs = bound->input_tensors;
    const auto position = static_cast<std::size_t>(bound - bound_.begin());
    tensors.copy_input = copy_inputs_[position];
    for (std::size_t index : outputs) tensors.outputs.push_back(bound->output_tensors[index]);
    const auto* pools = intra_op_pool_ == nullptr ? nullptr : &intra_op_pool_->options();
    std::unique_ptr<Callable> callable;
    if (gpu_ == nullptr) {
      callable = MakeSessionCallable(*session_, tensors, single_threaded_, pools);
    } else {
      CallableDTypes dtypes;
      for (const TensorSpec& input : signature.inputs) dtypes.inputs.push_back(input.dtype);
      for (std::size_t index : outputs) dtypes.outputs.push_back(signature.outputs[index].dtype);
      callable = MakeGpuCallable(*session_, *gpu_, tensors, dtypes, pools);
    }
    const std::optional<DirectSignature>& direct = direct_signatures_[position];
    if (direct) {
      const auto engine = direct_engines_.find(direct->engine);
      if (engine != direct_engines_.end()) {
        callable = MakeDirectCallable(engine->second, *direct, outputs, std::move(callable),
                                      MakeChecks(*direct, outputs, tensors, pools));
      }
    }
    if (batch_scheduler_ == nullptr) return callable;
    RequireRows(signature, outputs);
    if (!MayShare(position)) return callable;
    return MakeBatchingCallable(std::move(callable), signature, outputs, batch_scheduler_, batching_);
  }

 private:
  // What these outputs wait for; null if they wait for nothing. `tensors`: of the signature.
  std::unique_ptr<ChecksBeside> MakeChecks(const DirectSignature& direct, const std::vector<std::size_t>& outputs,
                                           const CallableTensors& tensors,
                                           const tensorflow::thread::ThreadPoolOptions* pools) const {
    InputChecks checks;
    for (std::size_t output : outputs) checks.Add(direct.checks[output]);
    if (checks.nodes.empty()) return nullptr;
    CallableTensors checked;
    checked.signature = tensors.signature;
    checked.targets.assign(checks.nodes.begin(), checks.nodes.end());
    for (std::size_t input : checks.inputs) {
      checked.inputs.push_back(tensors.inputs[input]);
      checked.copy_input.push_back(tensors.copy_input[input]);
    }
    return std::make_unique<ChecksBeside>(std::vector<std::size_t>(checks.inputs.begin(), checks.inputs.end()),
                                          MakeSessionCallable(*session_, checked, /*single_threaded=*/true, pools));
  }

  // Warns once for a signature that may not.
  bool MayShare(std::size_t position) {
    const std::string& obstacle = obstacles_to_sharing_[position];
    if (obstacle.empty()) return true;
    const std::lock_guard lock(obstacles_mutex_);
    if (batching_.warnings && obstacles_told_.insert(position).second) {
      std::fprintf(stderr, "tftrt: warning: max_batch is set, but calls of signature \"%s\" run one by one: %s\n",
                   specs_[position].name.c_str(), obstacle.c_str());
    }
    return false;
  }

  // By how much a row's numbers may differ between two runs: other kernels and engines compute other numbers of rows.
  static double ToleranceOf(bool gpu, EngineUse use, const tensorflow::GraphDef& graph) {
    bool int8 = false;
    ForEachNode(graph, [&](const tensorflow::NodeDef& node) {
      const auto precision = node.attr().find("precision_mode");
      int8 |= node.op() == kEngineOp && precision != node.attr().end() && precision->second.s() == "INT8";
    });
    if (use != EngineUse::kInline && int8) return 0.1;
    // On a GPU, TensorFlow and TensorRT compute FP32 in TF32.
    return gpu ? 2e-2 : 1e-4;
  }

  EngineDecision Decide(const Placement& placement, const tensorflow::MetaGraphDef& meta_graph, const BuildInfo& build,
                        OnMiss on_miss, OnMismatch on_mismatch) {
    if (info_.engines == 0 || !placement.gpu) return {};
    info_.tensorrt_problem = OpenTensorRt();
    if (info_.tensorrt_problem.empty()) info_.tensorrt_problem = TfTrtProblem();
    if (!info_.tensorrt_problem.empty()) {
      if (on_miss == OnMiss::kError) {
        throw IncompatibleError("on_miss is \"error\", and no request can have an engine: " + info_.tensorrt_problem +
                                "; \"tftrt doctor\" says what to install");
      }
      table_->WarnOnce("the engines of \"" + info_.path + "\" run as TensorFlow's own ops: " + info_.tensorrt_problem);
      return {EngineUse::kInline, false, info_.tensorrt_problem};
    }
    if (!HoldsEngines(meta_graph.graph_def())) {
      if (on_miss != OnMiss::kNative) return {EngineUse::kEmpty, false, ""};
      const std::string problem = "no engines were built; build them with: tftrt build " + info_.path;
      table_->WarnOnce("the model runs as TensorFlow's own ops: " + problem);
      return {EngineUse::kInline, false, problem};
    }
    // What another tool made says nothing about the GPU that it was made for.
    if (manifest_.empty()) return {EngineUse::kRestore, false, ""};
    const EngineMismatch mismatch =
        FindMismatch(info_.path, manifest_, build, InspectGpu(placement.gpu_index), TensorRtVersion());
    if (mismatch.problem.empty()) return {EngineUse::kRestore, false, ""};
    if (on_mismatch == OnMismatch::kError) ThrowMismatch(info_.path, build, mismatch);
    if (on_mismatch == OnMismatch::kNative) return {EngineUse::kInline, false, mismatch.problem};
    if (build.requests.empty()) {
      throw ModelError("the engines in \"" + info_.path + "\" cannot run here (" + mismatch.problem +
                       ") and cannot be built again while loading: the manifest does not say for which shapes. "
                       "Build them with: tftrt build " +
                       info_.path);
    }
    return {EngineUse::kEmpty, true, ""};
  }

  void MakeDirectEngines(int instances, CudaGraphs cuda_graphs) {
    if (gpu_ == nullptr) return;
    for (const std::optional<DirectSignature>& signature : direct_signatures_) {
      if (!signature) continue;
      const DirectSignature& direct = *signature;
      if (direct_engines_.count(direct.engine) != 0) continue;
      EngineRecord& record = table_->Get(direct.engine);
      if (!record.HasPlans() || record.reads_values()) continue;
      std::vector<std::unique_ptr<EngineInstance>> lent;
      for (int i = 0; i < instances; ++i) {
        auto contexts = std::make_unique<EngineContexts>(
            GetTfTrt().OpenCache(gpu_->resources(), direct.engine),
            EngineContexts::Options{direct.implicit_batch, direct.types.outputs.size(), /*own=*/i != 0});
        lent.push_back(std::make_unique<EngineInstance>(*gpu_, std::move(contexts), direct.types,
                                                        EngineInstance::Options{cuda_graphs, nullptr}));
      }
      info_.instances = instances;
      direct_engines_[direct.engine] = std::make_shared<DirectEngine>(*gpu_, record, std::move(lent));
    }
  }

  // Whether the engine runs inside a graph that TensorFlow runs, with no values to be read on the host. Not one whose
  // plan lies in its node: TensorFlow's kernel alone runs that.
  bool RunsInsideGraph(const EngineNode& engine) const {
    const EngineRecord& record = table_->Get(engine.name);
    return GetTfTrt().FindCache(gpu_->resources(), engine.name) && direct_engines_.count(engine.name) == 0 &&
           record.HasPlans() && !record.reads_values();
  }

  // `own`: with execution contexts of its own instead of TF-TRT's.
  std::unique_ptr<ReplayedEngine> MakeReplay(const EngineNode& engine, CudaGraphs cuda_graphs, bool own) const {
    auto contexts = std::make_unique<EngineContexts>(
        GetTfTrt().OpenCache(gpu_->resources(), engine.name),
        EngineContexts::Options{engine.implicit_batch, engine.output_types.size(), own});
    return std::make_unique<ReplayedEngine>(*gpu_, std::move(contexts),
                                            EngineTypes{engine.input_types, engine.output_types}, cuda_graphs);
  }

  void ReplayOtherEngines(CudaGraphs cuda_graphs) {
    if (gpu_ == nullptr) return;
    for (const EngineNode& engine : engines_) {
      if (RunsInsideGraph(engine)) table_->Get(engine.name).set_replay(MakeReplay(engine, cuda_graphs, /*own=*/false));
    }
  }

  void TakePlans(tensorflow::ResourceMgr& resources) {
    for (const EngineNode& engine : engines_) {
      const auto cache = GetTfTrt().FindCache(resources, engine.name);
      if (cache) table_->Get(engine.name).SetPlans(cache->Plans(engine.implicit_batch));
    }
  }

  void Rebuild(std::map<std::string, EngineControls> controls, const BuildInfo& build,
               tensorflow::ResourceMgr& resources) {
    std::vector<EngineNode> engines = engines_;
    if (!build.profile_strategy.empty()) {
      for (EngineNode& engine : engines) engine.profile_strategy = build.profile_strategy;
    }
    std::map<std::string, std::unique_ptr<Callable>> callables;
    EngineBuild builder(*session_, *table_, resources, std::move(engines), std::move(controls));
    builder.MakeCaches({});
    GetTfTrt().SetOptimizationLevel(build.optimization_level);
    for (const BuildInfo::Request& request : build.requests) {
      const SignatureSpec& spec = Spec(request.signature);
      if (acting_signatures_.count(request.signature) != 0) {
        throw UnsupportedError("the engines in \"" + info_.path +
                               "\" cannot be built again while loading: that calls the signature \"" +
                               request.signature +
                               "\" with made-up input, and its calls change state or draw random numbers. "
                               "Build them with: tftrt build " +
                               info_.path);
      }
      auto& callable = callables[request.signature];
      if (callable == nullptr) {
        std::vector<std::size_t> outputs(spec.outputs.size());
        std::iota(outputs.begin(), outputs.end(), std::size_t{0});
        callable = MakeCallable(spec, outputs);
      }
      if (request.range) {
        builder.Collect(*callable, MakeInputs(spec, request.min), ShapeRole::kMin);
        builder.Collect(*callable, MakeInputs(spec, request.opt), ShapeRole::kOpt);
        builder.Collect(*callable, MakeInputs(spec, request.max), ShapeRole::kMax);
      } else {
        builder.Collect(*callable, MakeInputs(spec, request.opt), ShapeRole::kFixed);
      }
    }
    for (const EngineNode& engine : builder.engines()) {
      if (!engine.calibrates || !builder.IsReached(engine.name)) continue;
      throw ModelError(
          "the engine \"" + engine.name + "\" of \"" + info_.path +
          "\" has no calibration table, so it cannot be built again while loading; build it with: tftrt build " +
          info_.path + " --calibration ...");
    }
    for (const BuiltEngine& engine : builder.Build({})) {
      if (engine.built || !builder.IsReached(engine.name)) continue;
      throw ModelError("rebuilding the engine \"" + engine.name + "\" of \"" + info_.path +
                       "\" failed: " + engine.problem + ". tftrt build says more");
    }
  }

  const SignatureSpec& Spec(const std::string& name) const {
    for (const SignatureSpec& spec : specs_) {
      if (spec.name == name) return spec;
    }
    throw ModelError("the manifest of \"" + info_.path + "\" speaks of a signature \"" + name +
                     "\", which the model does not have; convert it again");
  }

  // Where a call would change something, only the engines run.
  void PlanWarmUp(const BuildInfo& build) {
    for (const BuildInfo::Request& request : build.requests) {
      if (acting_signatures_.count(request.signature) == 0) {
        warm_up_.calls.push_back({request.signature, request.opt});
      } else {
        warm_up_.engines_alone = true;
      }
    }
  }

  MemoryStock stock_;  // from before anything else is there
  ModelInfo info_;
  std::string manifest_;
  std::vector<BoundSignature> bound_;
  std::vector<SignatureSpec> specs_;
  std::vector<std::vector<bool>> copy_inputs_;  // for each of bound_
  bool single_threaded_ = false;
  bool may_block_ = false;
  std::vector<EngineNode> engines_;
  std::shared_ptr<EngineTable> table_;
  WarmUp warm_up_;
  std::set<std::string> acting_signatures_;                        // whose calls do more than compute
  std::vector<std::optional<DirectSignature>> direct_signatures_;  // for each of bound_
  std::shared_ptr<BatchScheduler> batch_scheduler_;                // null: calls are not batched
  BatchingOptions batching_;
  std::vector<std::string> obstacles_to_sharing_;  // for each of bound_
  std::mutex obstacles_mutex_;
  std::set<std::size_t> obstacles_told_;
  std::unique_ptr<GpuDevice> gpu_;
  std::map<std::string, std::shared_ptr<DirectEngine>> direct_engines_;  // by the engine's name
  std::unique_ptr<IntraOpPool> intra_op_pool_;
  std::unique_ptr<tensorflow::Session> session_;
};

}  // namespace

std::unique_ptr<LoadedModel> LoadModel(const std::string& path, const ModelOptions& options,
                                       const ResolvedRuntimeOptions& runtime) {
  return std::make_unique<SessionModel>(path, options, runtime);
}

}  // namespace tftrt
