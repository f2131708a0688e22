#include <map>

#include "absl/log/globals.h"
#include "api/backend.h"
#include "api/runtime_loader.h"
#include "engines/tf_trt.h"
#include "gpu/transfer.h"
#include "kernels/tf_trt_ops.h"
#include "load/loaded_model.h"
#include "runtime/manifest.h"
#include "runtime/model_builder.h"
#include "runtime/saved_model.h"
#include "runtime/signatures.h"
#include "tensorflow/core/platform/logging.h"

namespace tftrt {
namespace {

class TensorFlowBackend final : public Backend {
 public:
  std::unique_ptr<LoadedModel> Load(const std::string& path, const ModelOptions& options,
                                    const ResolvedRuntimeOptions& runtime) override {
    return LoadModel(path, options, runtime);
  }

  std::unique_ptr<ModelBuilder> OpenBuilder(const std::string& path, const BuilderOptions& options,
                                            const ResolvedRuntimeOptions& runtime) override {
    return MakeModelBuilder(path, options, runtime);
  }

  SavedModelInfo Inspect(const std::string& path, const std::vector<std::string>& tags) override {
    SavedModelInfo info;
    info.manifest = ReadManifest(path);
    tensorflow::SavedModel saved_model = ReadSavedModel(path);
    info.tag_sets = TagSets(saved_model);
    const tensorflow::MetaGraphDef& meta_graph = FindMetaGraph(saved_model, tags, path);
    info.tags = tags;
    for (BoundSignature& signature : ReadSignatures(meta_graph)) info.signatures.push_back(std::move(signature.spec));
    std::map<std::string, std::int64_t> ops;
    for (const auto& node : meta_graph.graph_def().node()) ++ops[node.op()];
    for (const auto& function : meta_graph.graph_def().library().function()) {
      for (const auto& node : function.node_def()) ++ops[node.op()];
    }
    info.ops.assign(ops.begin(), ops.end());
    return info;
  }

  void SetTfTrt(TfTrt* tf_trt, const std::string& problem) override { tftrt::SetTfTrt(tf_trt, problem); }

  void Copy(const Tensor& from, Tensor& to) override { CopyElements(from, to); }

  int GpuOf(const void* pointer) override { return tftrt::GpuOf(pointer); }

  void OrderDefaultStreamAfter(void* stream, int gpu) override { tftrt::OrderDefaultStreamAfter(stream, gpu); }
};

}  // namespace
}  // namespace tftrt

extern "C" __attribute__((visibility("default"))) tftrt::Backend* tftrt_backend(bool keep_log_level, int log_level) {
  // TensorFlow keeps the log level of the first message that it handles; this one, which is not shown, makes it do so
  // while the environment has ours.
  if (keep_log_level && log_level > 0) LOG(INFO) << "tftrt";
  // Parts of TensorFlow log through Abseil instead, which does not look into the environment.
  if (log_level > 0) absl::SetMinLogLevel(static_cast<absl::LogSeverityAtLeast>(log_level));
  tftrt::RegisterMissingTfTrtOps();
  static tftrt::TensorFlowBackend backend;
  return &backend;
}
