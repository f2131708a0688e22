#include "runtime/engine_nodes.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "kernels/engine_op.h"
#include "runtime/graph_walk.h"
#include "tensorflow/cc/saved_model/constants.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tensorflow/core/framework/tensor.pb.h"
#include "tensorflow/core/framework/types.pb.h"
#include "tensorflow/core/protobuf/meta_graph.pb.h"

namespace tftrt {
namespace {

using tensorflow::GraphDef;
using tensorflow::MetaGraphDef;
using tensorflow::NodeDef;

constexpr char kHandleOp[] = "CreateTRTResourceHandle";
constexpr char kRestoreOp[] = "InitializeTRTResource";
constexpr char kForgetOp[] = "DestroyResourceOp";
constexpr char kCacheSizeAttr[] = "max_cached_engines_count";
// TF-TRT's own limit throws good engines out; EngineOp keeps the model's.
constexpr std::int64_t kNeverFull = 1 << 20;

constexpr char kInitSignature[] = "__saved_model_init_op";
constexpr char kInitCollection[] = "saved_model_main_op";
constexpr char kAnyGpu[] = "/device:GPU:*";

bool IsStatic(const NodeDef& engine) {
  const auto attr = engine.attr().find("static_engine");
  const auto plan = engine.attr().find("serialized_segment");
  return (attr == engine.attr().end() || attr->second.b()) && plan != engine.attr().end() && !plan->second.s().empty();
}

void RaiseCacheSize(NodeDef& node) { (*node.mutable_attr())[kCacheSizeAttr].set_i(kNeverFull); }

std::set<std::string> NamesOf(const GraphDef& graph, std::string_view op) {
  std::set<std::string> names;
  for (const NodeDef& node : graph.node()) {
    if (node.op() == op) names.insert(node.name());
  }
  return names;
}

// The nodes with the names of files that engines are in.
std::set<std::string> EngineFileNodes(const GraphDef& graph) {
  std::set<std::string> nodes;
  for (const NodeDef& node : graph.node()) {
    if (node.op() == kRestoreOp && node.input_size() > 1) nodes.insert(std::string(NodeName(node.input(1))));
  }
  return nodes;
}

NodeDef& AddNode(GraphDef& graph, const std::string& name, const char* op) {
  NodeDef& node = *graph.add_node();
  node.set_name(name);
  node.set_op(op);
  return node;
}

NodeDef& AddString(GraphDef& graph, const std::string& name, const std::string& value) {
  NodeDef& node = AddNode(graph, name, "Const");
  (*node.mutable_attr())["dtype"].set_type(tensorflow::DT_STRING);
  tensorflow::TensorProto& tensor = *(*node.mutable_attr())["value"].mutable_tensor();
  tensor.set_dtype(tensorflow::DT_STRING);
  tensor.mutable_tensor_shape();
  tensor.add_string_val(value);
  return node;
}

void AddHandle(GraphDef& graph, const std::string& name, const std::string& engine, const std::string& device) {
  NodeDef& handle = AddNode(graph, name, kHandleOp);
  handle.set_device(device);
  (*handle.mutable_attr())["resource_name"].set_s(engine);
}

NodeDef& AddRestore(GraphDef& graph, const std::string& name, const std::string& handle, const std::string& file,
                    const std::string& device, std::int64_t cache_size) {
  NodeDef& restore = AddNode(graph, name, kRestoreOp);
  restore.set_device(device);
  restore.add_input(handle);
  restore.add_input(file);
  (*restore.mutable_attr())[kCacheSizeAttr].set_i(cache_size);
  return restore;
}

// TensorFlow keeps engines by name as long as its device lives, and refuses to restore what is there: without this, a
// process could not load a model once more through TensorFlow's own loader.
void AddForget(GraphDef& graph, const std::string& name, const std::string& handle, const std::string& device) {
  NodeDef& forget = AddNode(graph, name, kForgetOp);
  forget.set_device(device);
  forget.add_input(handle);
  (*forget.mutable_attr())["ignore_lookup_error"].set_b(true);
}

std::string UnusedName(const GraphDef& graph, std::string name) {
  const auto taken = [&] {
    return std::any_of(graph.node().begin(), graph.node().end(), [&](const NodeDef& node) {
      return node.name() == name || node.name().rfind(name + "/", 0) == 0;
    });
  };
  while (taken()) name += '_';
  return name;
}

// The node that TensorFlow runs to initialise the model; empty if there is none.
std::string InitNode(const MetaGraphDef& meta_graph) {
  const auto signature = meta_graph.signature_def().find(kInitSignature);
  if (signature != meta_graph.signature_def().end()) {
    const auto output = signature->second.outputs().find(kInitSignature);
    if (output != signature->second.outputs().end()) return std::string(NodeName(output->second.name()));
  }
  const auto collection = meta_graph.collection_def().find(kInitCollection);
  if (collection == meta_graph.collection_def().end() || collection->second.node_list().value_size() != 1) return "";
  return std::string(NodeName(collection->second.node_list().value(0)));
}

// Assets whose file's name is in one of these nodes.
void DropAssets(const std::set<std::string>& nodes, MetaGraphDef& meta_graph) {
  const auto is_dropped = [&](const tensorflow::AssetFileDef& asset) {
    return nodes.count(std::string(NodeName(asset.tensor_info().name()))) != 0;
  };
  auto& assets = *meta_graph.mutable_asset_file_def();
  assets.erase(std::remove_if(assets.begin(), assets.end(), is_dropped), assets.end());
  const auto collection = meta_graph.mutable_collection_def()->find(tensorflow::kSavedModelAssetsKey);
  if (collection == meta_graph.mutable_collection_def()->end()) return;
  auto& values = *collection->second.mutable_any_list()->mutable_value();
  values.erase(std::remove_if(values.begin(), values.end(),
                              [&](const google::protobuf::Any& any) {
                                tensorflow::AssetFileDef asset;
                                return any.UnpackTo(&asset) && is_dropped(asset);
                              }),
               values.end());
  if (values.empty()) meta_graph.mutable_collection_def()->erase(tensorflow::kSavedModelAssetsKey);
}

bool IsControlOf(const std::set<std::string>& nodes, const std::string& input) {
  return IsControl(input) && nodes.count(std::string(NodeName(input))) != 0;
}

template <typename Nodes>
void DropNodes(const std::set<std::string>& dropped, Nodes& nodes) {
  for (NodeDef& node : nodes) {
    auto& inputs = *node.mutable_input();
    inputs.erase(std::remove_if(inputs.begin(), inputs.end(),
                                [&](const std::string& input) { return IsControlOf(dropped, input); }),
                 inputs.end());
  }
  nodes.erase(
      std::remove_if(nodes.begin(), nodes.end(), [&](const NodeDef& node) { return dropped.count(node.name()) != 0; }),
      nodes.end());
}

// TensorFlow 2 initialises a model of its own by functions.
void DropRestoreFromFunctions(GraphDef& graph) {
  if (graph.library().function().empty()) return;
  for (tensorflow::FunctionDef& function : *graph.mutable_library()->mutable_function()) {
    std::set<std::string> dropped;
    for (const NodeDef& node : function.node_def()) {
      if (node.op() == kRestoreOp) dropped.insert(node.name());
    }
    if (dropped.empty()) continue;
    DropNodes(dropped, *function.mutable_node_def());
    std::vector<std::string> outputs;
    for (const auto& [output, node] : function.control_ret()) {
      if (dropped.count(node) != 0) outputs.push_back(output);
    }
    auto& names = *function.mutable_signature()->mutable_control_output();
    for (const std::string& output : outputs) {
      function.mutable_control_ret()->erase(output);
      names.erase(std::remove(names.begin(), names.end(), output), names.end());
    }
  }
}

}  // namespace

int CountEngines(const GraphDef& graph) {
  int count = 0;
  ForEachNode(graph, [&](const NodeDef& node) { count += node.op() == kEngineOp; });
  return count;
}

void UseEngineOp(GraphDef& graph, EngineTable& table) {
  ForEachMutableNode(graph, [&](NodeDef& node) {
    if (node.op() == kRestoreOp) RaiseCacheSize(node);
    if (node.op() != kEngineOp || IsStatic(node)) return;
    auto& attrs = *node.mutable_attr();
    attrs["_kernel"].set_s(kEngineOpLabel);
    attrs[kEngineTableAttr].set_s(table.id());
    attrs[kMostEnginesAttr].set_i(attrs.contains(kCacheSizeAttr) ? attrs[kCacheSizeAttr].i() : 1);
    RaiseCacheSize(node);
    table.Get(EngineName(node.name()));
  });
}

void ProtectSegments(GraphDef& graph) {
  std::set<std::string> segments;
  ForEachNode(graph, [&](const NodeDef& node) {
    const auto segment = node.attr().find("segment_func");
    if (node.op() == kEngineOp && segment != node.attr().end()) segments.insert(segment->second.func().name());
  });
  for (tensorflow::FunctionDef& function : *graph.mutable_library()->mutable_function()) {
    // The optimiser leaves functions of tf.data alone, and this says that it is one.
    if (segments.count(function.signature().name()) != 0) (*function.mutable_attr())["_tf_data_function"].set_b(true);
  }
}

bool HoldsEngines(const GraphDef& graph) {
  bool holds = false;
  ForEachNode(graph, [&](const NodeDef& node) {
    holds |= node.op() == kRestoreOp || (node.op() == kEngineOp && IsStatic(node));
  });
  return holds;
}

std::vector<std::string> EngineAssets(const MetaGraphDef& meta_graph) {
  const std::set<std::string> nodes = EngineFileNodes(meta_graph.graph_def());
  std::vector<std::string> files;
  for (const tensorflow::AssetFileDef& asset : meta_graph.asset_file_def()) {
    if (nodes.count(std::string(NodeName(asset.tensor_info().name()))) != 0) files.push_back(asset.filename());
  }
  return files;
}

void DropEngineRestore(MetaGraphDef& meta_graph) {
  GraphDef& graph = *meta_graph.mutable_graph_def();
  DropRestoreFromFunctions(graph);
  std::set<std::string> dropped = NamesOf(graph, kRestoreOp);
  if (dropped.empty()) return;
  const std::set<std::string> files = EngineFileNodes(graph);
  for (const std::string& handle : NamesOf(graph, kHandleOp)) dropped.insert(handle);
  for (const NodeDef& node : graph.node()) {
    if (node.op() == kForgetOp && node.input_size() > 0 && dropped.count(std::string(NodeName(node.input(0)))) != 0)
      dropped.insert(node.name());
  }
  dropped.insert(files.begin(), files.end());
  for (const NodeDef& node : graph.node()) {
    if (dropped.count(node.name()) != 0) continue;
    for (const std::string& input : node.input()) {
      if (!IsControl(input)) dropped.erase(std::string(NodeName(input)));
    }
  }
  DropAssets(files, meta_graph);
  DropNodes(dropped, *graph.mutable_node());
}

void AddEngineRestore(const std::map<std::string, std::string>& assets, std::int64_t cache_size,
                      MetaGraphDef& meta_graph) {
  if (assets.empty()) return;
  GraphDef& graph = *meta_graph.mutable_graph_def();
  const std::string scope = UnusedName(graph, "tftrt_engines");
  std::string init = InitNode(meta_graph);
  if (init.empty()) {
    init = scope + "/init";
    AddNode(graph, init, "NoOp");
    (*meta_graph.mutable_collection_def())[kInitCollection].mutable_node_list()->add_value(init);
  }
  std::vector<std::string> restores;
  for (const auto& [engine, file] : assets) {
    const std::string prefix = scope + "/" + engine;
    AddString(graph, prefix + "/file", file);
    AddHandle(graph, prefix + "/handle", engine, kAnyGpu);
    AddForget(graph, prefix + "/forget", prefix + "/handle", kAnyGpu);
    AddRestore(graph, prefix + "/restore", prefix + "/handle", prefix + "/file", kAnyGpu, cache_size)
        .add_input("^" + prefix + "/forget");
    restores.push_back("^" + prefix + "/restore");
    tensorflow::AssetFileDef& asset = *meta_graph.add_asset_file_def();
    asset.mutable_tensor_info()->set_name(prefix + "/file:0");
    asset.set_filename(file);
    // Where TensorFlow 1's loader looks.
    (*meta_graph.mutable_collection_def())[tensorflow::kSavedModelAssetsKey].mutable_any_list()->add_value()->PackFrom(
        asset);
  }
  for (NodeDef& node : *graph.mutable_node()) {
    if (node.name() != init) continue;
    for (const std::string& restore : restores) node.add_input(restore);
  }
}

std::map<std::string, EngineControls> AddEngineControls(const std::vector<std::string>& engines,
                                                        const std::string& device, GraphDef& graph) {
  const std::string scope = UnusedName(graph, "tftrt_controls");
  NodeDef& file = AddNode(graph, scope + "/file", "Placeholder");
  (*file.mutable_attr())["dtype"].set_type(tensorflow::DT_STRING);
  (*file.mutable_attr())["shape"].mutable_shape();
  std::map<std::string, EngineControls> controls;
  for (const std::string& engine : engines) {
    const std::string prefix = scope + "/" + engine;
    AddString(graph, prefix + "/name", engine);
    AddHandle(graph, prefix + "/handle", engine, device);
    AddRestore(graph, prefix + "/restore", prefix + "/handle", scope + "/file", device, kNeverFull);
    NodeDef& serialize = AddNode(graph, prefix + "/serialize", "SerializeTRTResource");
    serialize.set_device(device);
    serialize.add_input(prefix + "/name");
    serialize.add_input(scope + "/file");
    (*serialize.mutable_attr())["delete_resource"].set_b(false);
    (*serialize.mutable_attr())["save_gpu_specific_engines"].set_b(true);
    NodeDef& calibration = AddNode(graph, prefix + "/calibration", "GetCalibrationDataOp");
    calibration.set_device(device);
    calibration.add_input(prefix + "/name");
    controls[engine] = {prefix + "/handle:0", scope + "/file:0", prefix + "/restore", prefix + "/serialize",
                        prefix + "/calibration:0"};
  }
  return controls;
}

}  // namespace tftrt
