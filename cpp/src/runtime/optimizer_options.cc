#include "runtime/optimizer_options.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "runtime/channels_first.h"
#include "runtime/graph_walk.h"
#include "runtime/run_time_nodes.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tensorflow/core/framework/tensor_shape.h"
#include "tensorflow/core/protobuf/rewriter_config.pb.h"

namespace tftrt {
namespace {

using tensorflow::RewriterConfig;

// TensorFlow's default optimisers in their order, without those that do nothing for a model on a CPU but take time when
// it is loaded, above all by turning the graph into MLIR and back.
constexpr char kConstantFolding[] = "constfold";
constexpr const char* kCpuOptimizers[] = {"pruning",        "implementation_selector",
                                          "function",       "common_subgraph_elimination",
                                          kConstantFolding, "shape",
                                          "arithmetic",     "layout",
                                          "remap",          "loop",
                                          "dependency"};

// Whether every tensor that has shape `spec` has the shape that `node` states as well.
bool Promises(const TensorSpec& spec, const tensorflow::NodeDef& node) {
  if (node.op() != "Placeholder") return false;
  const auto stated = node.attr().find("shape");
  if (stated == node.attr().end() || stated->second.shape().unknown_rank()) return true;
  const auto& dims = stated->second.shape().dim();
  if (!spec.known_rank || spec.shape.size() != static_cast<std::size_t>(dims.size())) return false;
  return std::equal(spec.shape.begin(), spec.shape.end(), dims.begin(),
                    [](std::int64_t dim, const auto& wanted) { return wanted.size() < 0 || wanted.size() == dim; });
}

// Run checks what is fed against the signature. That makes the graph's own shapes true if they say no more.
bool FedShapesAreTrue(const tensorflow::GraphDef& graph, const std::vector<BoundSignature>& signatures) {
  std::unordered_map<std::string_view, const tensorflow::NodeDef*> nodes;
  for (const auto& node : graph.node()) nodes[node.name()] = &node;
  for (const BoundSignature& signature : signatures) {
    for (std::size_t i = 0; i < signature.input_tensors.size(); ++i) {
      const auto node = nodes.find(NodeName(signature.input_tensors[i]));
      if (node == nodes.end() || !Promises(signature.spec.inputs[i], *node->second)) return false;
    }
  }
  return true;
}

RewriterConfig MakeRewriterConfig(const tensorflow::GraphDef& graph, const std::vector<BoundSignature>& signatures,
                                  const Placement& placement, bool converted) {
  RewriterConfig config;
  if (FedShapesAreTrue(graph, signatures)) {
    // In these two optimisers the level only says whether the shapes of fed tensors are to be believed. A tf.function
    // always believes them; doing likewise gives the same graph, and so the same bits.
    config.set_arithmetic_optimization(RewriterConfig::AGGRESSIVE);
    config.set_remapping(RewriterConfig::AGGRESSIVE);
  }
  // It trades time for memory in training, and logs errors about ops whose cost it cannot tell.
  config.set_memory_optimization(RewriterConfig::NO_MEM_OPT);
  if (placement.gpu) return config;
  for (const char* name : kCpuOptimizers) {
    // The converter has folded what can be folded exactly. More would merge weights that were variables, which rounds
    // differently.
    if (!converted || name != std::string_view(kConstantFolding)) config.add_optimizers(name);
  }
  if (HasChannelsFirst(graph)) {
    // TensorFlow's CPU kernels want channels last. A model converted on a GPU machine has them first.
    config.set_cpu_layout_conversion(RewriterConfig::NCHW_TO_NHWC);
    config.set_min_graph_nodes(-1);
  }
  return config;
}

}  // namespace

tensorflow::GraphOptions MakeGraphOptions(const tensorflow::GraphDef& graph,
                                          const std::vector<BoundSignature>& signatures, const Placement& placement,
                                          bool converted) {
  tensorflow::GraphOptions options;
  *options.mutable_rewrite_options() = MakeRewriterConfig(graph, signatures, placement, converted);
  if (!placement.gpu && HasRunTimeNodes(graph)) {
    // A session folds constants in one thread, in which some ops add up in another order.
    options.mutable_optimizer_options()->set_opt_level(tensorflow::OptimizerOptions::L0);
    options.mutable_optimizer_options()->set_do_common_subexpression_elimination(true);
  }
  return options;
}

}  // namespace tftrt
