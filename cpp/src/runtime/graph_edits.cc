#include "runtime/graph_edits.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "runtime/captured_variables.h"
#include "runtime/channels_first.h"
#include "runtime/engine_nodes.h"
#include "runtime/extremes_edit.h"
#include "runtime/factor_edit.h"
#include "runtime/graph_checks.h"
#include "runtime/graph_pruning.h"
#include "runtime/graph_walk.h"
#include "runtime/run_time_nodes.h"
#include "runtime/segment_inlining.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tensorflow/core/protobuf/config.pb.h"

namespace tftrt {
namespace {

void RestoreCaptured(const GraphPlan& plan, tensorflow::MetaGraphDef& meta_graph) {
  RestoreCapturedVariables(plan.path, meta_graph);
}

void CheckVariables(const GraphPlan&, tensorflow::MetaGraphDef& meta_graph) { AddVariableChecks(meta_graph); }

void Prune(const GraphPlan&, tensorflow::MetaGraphDef& meta_graph) { PruneGraph(meta_graph); }

void Check(const GraphPlan&, tensorflow::MetaGraphDef& meta_graph) {
  RequireKnownOps(meta_graph.graph_def());
  RequireSoundGraph(meta_graph.graph_def());
}

// The exporting machine's devices need not exist here. What was pinned to the CPU stays there.
void PlaceOnDevice(const GraphPlan& plan, tensorflow::MetaGraphDef& meta_graph) {
  const std::string gpu = plan.placement.Device();
  ForEachMutableNode(*meta_graph.mutable_graph_def(), [&](tensorflow::NodeDef& node) {
    const bool pinned_to_cpu = absl::StrContainsIgnoreCase(node.device(), "cpu:");
    if (pinned_to_cpu) {
      node.set_device("/device:CPU:0");
    } else {
      node.set_device(gpu);
    }
  });
}

// Without TensorRT, TensorFlow's kernels end the process.
void ChooseEngines(const GraphPlan& plan, tensorflow::MetaGraphDef& meta_graph) {
  if (plan.engines != EngineUse::kRestore) DropEngineRestore(meta_graph);
  if (plan.engines == EngineUse::kInline) {
    ReplaceEngines(meta_graph);
  } else {
    UseEngineOp(*meta_graph.mutable_graph_def(), *plan.table);
    if (plan.builds) ProtectSegments(*meta_graph.mutable_graph_def());
  }
}

// TensorFlow 2 gives every model an initialiser; running one that does nothing takes as long as any first run.
void DropIdleInitializer(const GraphPlan&, tensorflow::MetaGraphDef& meta_graph) {
  constexpr char kSignature[] = "__saved_model_init_op";
  constexpr char kCollection[] = "saved_model_main_op";
  std::string name;
  const auto signature = meta_graph.signature_def().find(kSignature);
  const auto collection = meta_graph.collection_def().find(kCollection);
  if (signature != meta_graph.signature_def().end()) {
    const auto output = signature->second.outputs().find(kSignature);
    if (output != signature->second.outputs().end()) name = output->second.name();
  } else if (collection != meta_graph.collection_def().end() && collection->second.node_list().value_size() == 1) {
    name = collection->second.node_list().value(0);
  }
  const auto& nodes = meta_graph.graph_def().node();
  const bool idle = std::any_of(nodes.begin(), nodes.end(), [&](const tensorflow::NodeDef& node) {
    return node.name() == name && node.op() == "NoOp" && node.input().empty();
  });
  if (!idle) return;
  meta_graph.mutable_signature_def()->erase(kSignature);
  meta_graph.mutable_collection_def()->erase(kCollection);
}

// Restoring runs once: optimising its function takes longer than it saves. The optimiser leaves functions of tf.data
// alone, and this one says that it is one.
void RestoreAsIs(const GraphPlan&, tensorflow::MetaGraphDef& meta_graph) {
  tensorflow::GraphDef& graph = *meta_graph.mutable_graph_def();
  for (tensorflow::NodeDef& node : *graph.mutable_node()) {
    if (node.name() != meta_graph.saver_def().restore_op_name() || node.op() != "StatefulPartitionedCall") continue;
    const auto called = node.attr().find("f");
    if (called == node.attr().end()) return;
    for (tensorflow::FunctionDef& function : *graph.mutable_library()->mutable_function()) {
      if (function.signature().name() != called->second.func().name()) continue;
      (*function.mutable_attr())["_noinline"].set_b(true);
      (*function.mutable_attr())["_tf_data_function"].set_b(true);
    }
    tensorflow::ConfigProto config;
    config.mutable_graph_options()->mutable_rewrite_options()->set_disable_meta_optimizer(true);
    (*node.mutable_attr())["config_proto"].set_s(config.SerializeAsString());
  }
}

void KeepBits(const GraphPlan& plan, tensorflow::MetaGraphDef& meta_graph) {
  if (!plan.converted && !plan.placement.gpu) HideCapturedConstants(meta_graph);
  // Elsewhere TensorRT is given the segments.
  if (plan.converted && plan.engines == EngineUse::kInline) KeepFactors(*meta_graph.mutable_graph_def());
  if (!plan.placement.gpu) KeepExtremes(meta_graph);
}

void UseChannelsLast(const GraphPlan& plan, tensorflow::MetaGraphDef& meta_graph) {
  if (!plan.placement.gpu) TurnBackChannels(*meta_graph.mutable_graph_def());
}

using GraphEdit = void (*)(const GraphPlan&, tensorflow::MetaGraphDef&);

// Everything that is done to a graph between reading and loading it.
constexpr GraphEdit kGraphEdits[] = {
    ChooseEngines,  DropIdleInitializer, RestoreCaptured, Prune,       Check,
    CheckVariables, UseChannelsLast,     KeepBits,        RestoreAsIs, PlaceOnDevice,
};

}  // namespace

void EditGraph(const GraphPlan& plan, tensorflow::MetaGraphDef& meta_graph) {
  for (const GraphEdit edit : kGraphEdits) edit(plan, meta_graph);
}

}  // namespace tftrt
