#include "runtime/loaded_model.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime/callable.h"
#include "runtime/executor_choice.h"
#include "runtime/graph_edits.h"
#include "runtime/input_retention.h"
#include "runtime/manifest.h"
#include "runtime/optimizer_options.h"
#include "runtime/saved_model.h"
#include "runtime/segment_inlining.h"
#include "runtime/session_options.h"
#include "runtime/signatures.h"
#include "runtime/status.h"
#include "runtime/thread_pools.h"
#include "tensorflow/c/c_api.h"
#include "tensorflow/cc/saved_model/loader.h"
#include "tftrt/environment.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

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
    return ChooseCpuExecutor(graph, outputs);
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

class SessionModel final : public LoadedModel {
 public:
  SessionModel(const std::string& path, const ModelOptions& options, const ResolvedRuntimeOptions& runtime) {
    info_.path = path;
    info_.tags = options.tags;
    PhaseTimer timer(info_);
    manifest_ = ReadManifest(path);
    if (!manifest_.empty()) VerifyFiles(path, manifest_);
    timer.EndPhase("verify");

    tensorflow::SavedModel saved_model = ReadSavedModel(path);
    tensorflow::MetaGraphDef& meta_graph = FindMetaGraph(saved_model, options.tags, path);
    RequireVariables(meta_graph, path);
    timer.EndPhase("read");

    bound_ = ReadSignatures(meta_graph);
    for (const BoundSignature& signature : bound_) specs_.push_back(signature.spec);
    LoadLibraries(options.op_libraries);
    info_.engines = CountEngines(meta_graph.graph_def());
    Placement placement = ResolveDevice(options.device);
    if (placement.gpu && info_.engines > 0) {
      info_.tensorrt_problem = OpenTensorRt();
      placement.tensorrt = info_.tensorrt_problem.empty();
    }
    EditGraph(placement, meta_graph);
    const ExecutorChoice executor = ChooseExecutor(options.executor, placement, meta_graph.graph_def(), bound_);
    for (const BoundSignature& signature : bound_) {
      copy_inputs_.push_back(MayBeRetained(meta_graph.graph_def(), signature.input_tensors));
    }
    info_.device = placement.Name();
    info_.executor = executor.single ? "single" : "parallel";
    info_.executor_reason = executor.reason;
    single_threaded_ = executor.single;
    if (options.intra_op_threads > 0) intra_op_pool_ = std::make_unique<IntraOpPool>(options.intra_op_threads);
    timer.EndPhase("edit");

    const tensorflow::SessionOptions session_options = MakeSessionOptions(
        options, runtime, placement, single_threaded_,
        MakeRewriterConfig(meta_graph.graph_def(), bound_, placement, /*converted=*/!manifest_.empty()));
    ThrowIfLoadError(tensorflow::LoadMetagraphIntoSession(session_options, meta_graph, &session_),
                     "loading the graph of \"" + path + "\"");
    timer.EndPhase("session");
    ThrowIfLoadError(tensorflow::RestoreSession(tensorflow::RunOptions(), meta_graph, path, &session_),
                     "restoring the variables and running the initialisers of \"" + path + "\"");
    timer.EndPhase("restore");
  }

  ~SessionModel() override {
    if (session_ != nullptr) session_->Close().IgnoreError();
  }

  const ModelInfo& info() const override { return info_; }
  const std::string& manifest() const override { return manifest_; }
  const std::vector<SignatureSpec>& signatures() const override { return specs_; }

  std::unique_ptr<Callable> MakeCallable(const SignatureSpec& signature,
                                         const std::vector<std::size_t>& outputs) override {
    const auto bound = std::find_if(bound_.begin(), bound_.end(), [&](const BoundSignature& candidate) {
      return candidate.spec.name == signature.name;
    });
    CallableTensors tensors;
    tensors.signature = signature.name;
    tensors.inputs = bound->input_tensors;
    tensors.copy_input = copy_inputs_[static_cast<std::size_t>(bound - bound_.begin())];
    for (std::size_t index : outputs) tensors.outputs.push_back(bound->output_tensors[index]);
    return MakeSessionCallable(*session_, std::move(tensors), single_threaded_,
                               intra_op_pool_ == nullptr ? nullptr : &intra_op_pool_->options());
  }

 private:
  static void LoadLibraries(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      // Not Env's, which lets an op that is registered twice end the process.
      const std::unique_ptr<TF_Status, decltype(&TF_DeleteStatus)> status(TF_NewStatus(), TF_DeleteStatus);
      const std::unique_ptr<TF_Library, decltype(&TF_DeleteLibraryHandle)> library(
          TF_LoadLibrary(path.c_str(), status.get()), TF_DeleteLibraryHandle);
      if (TF_GetCode(status.get()) != TF_OK) {
        throw InvalidArgumentError("cannot load the op library \"" + path + "\": " + TF_Message(status.get()) +
                                   ". It must be built against TensorFlow's C++ headers and libraries of this version");
      }
    }
  }

  ModelInfo info_;
  std::string manifest_;
  std::vector<BoundSignature> bound_;
  std::vector<SignatureSpec> specs_;
  std::vector<std::vector<bool>> copy_inputs_;  // for each of bound_
  bool single_threaded_ = false;
  std::unique_ptr<IntraOpPool> intra_op_pool_;
  std::unique_ptr<tensorflow::Session> session_;
};

}  // namespace

std::unique_ptr<LoadedModel> LoadModel(const std::string& path, const ModelOptions& options,
                                       const ResolvedRuntimeOptions& runtime) {
  return std::make_unique<SessionModel>(path, options, runtime);
}

}  // namespace tftrt
