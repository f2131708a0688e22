#include "runtime/batch_shapes.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <vector>

#include "runtime/graph_walk.h"
#include "runtime/state_analysis.h"
#include "runtime/tensor_name.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tensorflow/core/framework/node_def_util.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/tensor.pb.h"
#include "tensorflow/core/grappler/costs/graph_properties.h"
#include "tensorflow/core/grappler/grappler_item.h"
#include "tf/tensor_conversion.h"

namespace tftrt {
namespace {

using tensorflow::GraphDef;
using tensorflow::NodeDef;

// Primes, which no other dimension is likely to be a part of.
constexpr std::int64_t kRows = 1009;
constexpr std::int64_t kOtherRows = 2017;

// Larger constants have no values that shapes are computed from.
constexpr std::int64_t kMostShapeElements = 64;

void Copy(const NodeDef& from, NodeDef& to) {
  const auto value = from.attr().find("value");
  std::int64_t elements = 1;
  if (from.op() == "Const" && value != from.attr().end()) {
    for (const auto& dim : value->second.tensor().tensor_shape().dim())
      elements *= std::max<std::int64_t>(dim.size(), 0);
  }
  if (elements <= kMostShapeElements) {
    to = from;
    return;
  }
  to.set_name(from.name());
  to.set_op("Placeholder");
  (*to.mutable_attr())["dtype"].set_type(value->second.tensor().dtype());
  *(*to.mutable_attr())["shape"].mutable_shape() = value->second.tensor().tensor_shape();
  for (const std::string& input : from.input()) to.add_input(input);
}

// What shapes are inferred from, without weights.
GraphDef Skeleton(const GraphDef& graph, const GraphParts& parts) {
  GraphDef skeleton;
  *skeleton.mutable_versions() = graph.versions();
  for (const NodeDef& node : graph.node()) {
    if (parts.nodes.count(node.name()) != 0) Copy(node, *skeleton.add_node());
  }
  for (const auto& function : graph.library().function()) {
    if (parts.functions.count(function.signature().name()) == 0) continue;
    auto& copy = *skeleton.mutable_library()->add_function();
    *copy.mutable_signature() = function.signature();
    *copy.mutable_attr() = function.attr();
    *copy.mutable_arg_attr() = function.arg_attr();
    *copy.mutable_ret() = function.ret();
    *copy.mutable_control_ret() = function.control_ret();
    for (const NodeDef& node : function.node_def()) Copy(node, *copy.add_node_def());
  }
  // SavedModels leave out attributes that have their default.
  ForEachMutableNode(skeleton, [](NodeDef& node) {
    const tensorflow::OpDef* definition = nullptr;
    if (!tensorflow::OpRegistry::Global()->LookUpOpDef(node.op(), &definition).ok()) return;
    tensorflow::AddDefaultsToNodeDef(*definition, &node);
  });
  return skeleton;
}

// False if an input is no node of its own.
bool FeedRows(const BoundSignature& signature, std::int64_t rows, GraphDef& graph) {
  std::unordered_map<std::string, NodeDef*> nodes;
  for (NodeDef& node : *graph.mutable_node()) nodes[node.name()] = &node;
  for (std::size_t i = 0; i < signature.input_tensors.size(); ++i) {
    const auto name = ParseTensorName(signature.input_tensors[i]);
    if (!name || name->index != 0) return false;
    const auto found = nodes.find(std::string(name->node));
    if (found == nodes.end()) continue;  // no output needs it
    const TensorSpec& spec = signature.spec.inputs[i];
    NodeDef& node = *found->second;
    node.set_op("Placeholder");
    node.clear_input();
    node.clear_attr();
    (*node.mutable_attr())["dtype"].set_type(ToTensorFlow(spec.dtype));
    tensorflow::TensorShapeProto& shape = *(*node.mutable_attr())["shape"].mutable_shape();
    if (!spec.known_rank || spec.shape.empty()) {
      shape.set_unknown_rank(true);
      continue;
    }
    for (const std::int64_t dim : spec.shape) shape.add_dim()->set_size(dim);
    // Only a default value can have a fixed first dimension, and then it is no row of a batch.
    if (spec.shape.front() == -1) shape.mutable_dim(0)->set_size(rows);
  }
  return true;
}

// Of each output; nullopt where nothing is known.
using Shapes = std::vector<std::optional<tensorflow::TensorShapeProto>>;

std::optional<Shapes> Infer(const BoundSignature& signature, std::int64_t rows, GraphDef graph) {
  if (!FeedRows(signature, rows, graph)) return std::nullopt;
  tensorflow::grappler::GrapplerItem item;
  item.graph = std::move(graph);
  tensorflow::grappler::GraphProperties properties(item);
  // An error here is the graph's with so many rows, which another number need not have.
  if (!properties
           .InferStatically(/*assume_valid_feeds=*/true, /*aggressive_shape_inference=*/false,
                            /*include_tensor_values=*/false)
           .ok()) {
    return std::nullopt;
  }
  Shapes shapes;
  for (const std::string& output : signature.output_tensors) {
    auto& shape = shapes.emplace_back();
    const auto name = ParseTensorName(output);
    const std::string node(name ? name->node : std::string_view());
    if (!name || !properties.HasOutputProperties(node)) continue;
    const auto& outputs = properties.GetOutputProperties(node);
    if (static_cast<std::size_t>(name->index) >= outputs.size()) continue;
    const auto& found = outputs[static_cast<std::size_t>(name->index)].shape();
    if (!found.unknown_rank()) shape = found;
  }
  return shapes;
}

std::string Describe(const tensorflow::TensorShapeProto& shape) {
  std::string text;
  for (const auto& dim : shape.dim()) {
    text += (text.empty() ? "" : ", ") + (dim.size() < 0 ? std::string("?") : std::to_string(dim.size()));
  }
  return "[" + text + "]";
}

bool HasRows(const tensorflow::TensorShapeProto& shape, std::int64_t rows) {
  return shape.dim_size() > 0 && (shape.dim(0).size() < 0 || shape.dim(0).size() == rows);
}

}  // namespace

std::string ObstacleToSharing(const GraphDef& graph, const BoundSignature& signature) {
  const StateAnalysis analysis(graph);
  const GraphParts parts = analysis.PartsOf(signature.output_tensors);
  if (analysis.HasEffects(parts)) return "its calls have effects";
  if (analysis.IsRandom(parts)) return "its results are random";
  const GraphDef skeleton = Skeleton(graph, parts);
  const std::optional<Shapes> first = Infer(signature, kRows, skeleton),
                              second = Infer(signature, kOtherRows, skeleton);
  if (!first || !second) return "";
  for (std::size_t i = 0; i < first->size(); ++i) {
    const auto& one = (*first)[i];
    const auto& other = (*second)[i];
    if (!one || !other) continue;
    bool by_rows = HasRows(*one, kRows) && HasRows(*other, kOtherRows) && one->dim_size() == other->dim_size();
    for (int d = 1; by_rows && d < one->dim_size(); ++d) {
      const std::int64_t a = one->dim(d).size(), b = other->dim(d).size();
      by_rows = a < 0 || b < 0 || a == b;
    }
    if (by_rows) continue;
    return "output \"" + signature.spec.outputs[i].name + "\" has the shape " + Describe(*one) + " for " +
           std::to_string(kRows) + " rows";
  }
  return "";
}

}  // namespace tftrt
