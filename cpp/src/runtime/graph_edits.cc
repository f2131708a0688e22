#include "runtime/graph_edits.h"

#include <set>

#include "absl/strings/match.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tensorflow/core/framework/op.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

constexpr char kEngineOp[] = "TRTEngineOp";

template <typename F>
void ForEachNode(tensorflow::GraphDef& graph, F f) {
  for (auto& node : *graph.mutable_node()) f(node);
  for (auto& function : *graph.mutable_library()->mutable_function()) {
    for (auto& node : *function.mutable_node_def()) f(node);
  }
}

// TensorFlow would name one op only, and only when the session is made.
void RequireKnownOps(const Placement&, tensorflow::MetaGraphDef& meta_graph) {
  tensorflow::GraphDef& graph = *meta_graph.mutable_graph_def();
  std::set<std::string> functions;
  for (const auto& function : graph.library().function()) functions.insert(function.signature().name());
  std::set<std::string> unknown;
  ForEachNode(graph, [&](const tensorflow::NodeDef& node) {
    const tensorflow::OpRegistrationData* data = nullptr;
    if (functions.count(node.op()) == 0 && !tensorflow::OpRegistry::Global()->LookUp(node.op(), &data).ok()) {
      unknown.insert(node.op());
    }
  });
  if (unknown.empty()) return;
  std::string names;
  for (const std::string& op : unknown) names += (names.empty() ? "" : ", ") + op;
  throw UnsupportedError(
      "the model uses ops that nobody registered in this process: " + names +
      ". Give the library that defines them in the option op_libraries, or export the model without them");
}

// The exporting machine's devices need not exist here. What was pinned to the CPU stays there.
void PlaceOnDevice(const Placement& placement, tensorflow::MetaGraphDef& meta_graph) {
  const std::string gpu = placement.gpu ? "/device:GPU:" + std::to_string(placement.gpu_index) : "";
  ForEachNode(*meta_graph.mutable_graph_def(), [&](tensorflow::NodeDef& node) {
    const bool pinned_to_cpu = absl::StrContainsIgnoreCase(node.device(), "cpu:");
    if (pinned_to_cpu) {
      node.set_device("/device:CPU:0");
    } else {
      node.set_device(gpu);
    }
  });
}

// On a CPU an engine runs as its native segment. Called as a function, unlike through the kernel, it is inlined and
// optimised with the graph around it.
void CallNativeSegments(const Placement& placement, tensorflow::MetaGraphDef& meta_graph) {
  if (placement.gpu) return;
  ForEachNode(*meta_graph.mutable_graph_def(), [&](tensorflow::NodeDef& node) {
    if (node.op() != kEngineOp) return;
    const auto segment = node.attr().find("segment_func");
    if (segment == node.attr().end() || segment->second.func().name().empty()) {
      throw UnsupportedError(
          "engine \"" + node.name() +
          "\" has no native segment (it was converted with remove_native_segments), so the model cannot run "
          "on a CPU: load it on a GPU, or convert it again with its native segments");
    }
    auto& attrs = *node.mutable_attr();
    google::protobuf::Map<std::string, tensorflow::AttrValue> call;
    call["f"] = attrs["segment_func"];
    call["Tin"] = attrs["InT"];
    call["Tout"] = attrs["OutT"];
    attrs.swap(call);
    node.set_op("PartitionedCall");
  });
}

using GraphEdit = void (*)(const Placement&, tensorflow::MetaGraphDef&);

// Everything that is done to a graph between reading and loading it.
constexpr GraphEdit kGraphEdits[] = {
    RequireKnownOps,
    CallNativeSegments,
    PlaceOnDevice,
};

}  // namespace

void EditGraph(const Placement& placement, tensorflow::MetaGraphDef& meta_graph) {
  for (const GraphEdit edit : kGraphEdits) edit(placement, meta_graph);
}

int CountEngines(const tensorflow::GraphDef& graph) {
  int count = 0;
  for (const auto& node : graph.node()) count += node.op() == kEngineOp;
  for (const auto& function : graph.library().function()) {
    for (const auto& node : function.node_def()) count += node.op() == kEngineOp;
  }
  return count;
}

}  // namespace tftrt
