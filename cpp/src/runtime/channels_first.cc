#include "runtime/channels_first.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "runtime/tensor_name.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tensorflow/core/framework/tensor.pb.h"
#include "tensorflow/core/framework/types.pb.h"

namespace tftrt {
namespace {

using tensorflow::NodeDef;
using Nodes = google::protobuf::RepeatedPtrField<NodeDef>;

// Where an op takes and returns images, and where a vector with one element for each of an image's dimensions.
struct Images {
  std::vector<int> inputs;
  std::vector<int> vectors;
  const char* output;  // the first output's name, if it is an image
  bool by_optimizer;   // whether TensorFlow's layout optimiser knows the op
};

const std::map<std::string_view, Images>& KnownOps() {
  static const std::map<std::string_view, Images> ops = {
      {"AvgPool", {{0}, {}, "output", true}},
      {"AvgPool3D", {{0}, {}, "output", false}},
      {"AvgPool3DGrad", {{1}, {0}, "output", false}},
      {"AvgPoolGrad", {{1}, {0}, "output", true}},
      {"Conv2D", {{0}, {}, "output", true}},
      {"Conv2DBackpropFilter", {{0, 2}, {}, nullptr, true}},
      {"Conv2DBackpropInput", {{2}, {0}, "output", true}},
      {"Conv3D", {{0}, {}, "output", true}},
      {"Conv3DBackpropFilterV2", {{0, 2}, {}, nullptr, true}},
      {"Conv3DBackpropInputV2", {{2}, {0}, "output", true}},
      {"DepthToSpace", {{0}, {}, "output", false}},
      {"DepthwiseConv2dNative", {{0}, {}, "output", true}},
      {"DepthwiseConv2dNativeBackpropFilter", {{0, 2}, {}, nullptr, true}},
      {"DepthwiseConv2dNativeBackpropInput", {{2}, {0}, "output", true}},
      {"FusedBatchNorm", {{0}, {}, "y", true}},
      {"FusedBatchNormGrad", {{0, 1}, {}, "x_backprop", true}},
      {"FusedBatchNormGradV2", {{0, 1}, {}, "x_backprop", true}},
      {"FusedBatchNormGradV3", {{0, 1}, {}, "x_backprop", true}},
      {"FusedBatchNormV2", {{0}, {}, "y", true}},
      {"FusedBatchNormV3", {{0}, {}, "y", true}},
      {"MaxPool", {{0}, {}, "output", true}},
      {"MaxPool3D", {{0}, {}, "output", false}},
      {"MaxPool3DGrad", {{0, 1, 2}, {}, "output", false}},
      {"MaxPool3DGradGrad", {{0, 1, 2}, {}, "output", false}},
      {"MaxPoolGrad", {{0, 1, 2}, {}, "output", true}},
      {"MaxPoolGradGrad", {{0, 1, 2}, {}, "output", true}},
      {"MaxPoolGradGradV2", {{0, 1, 2}, {3, 4}, "output", true}},
      {"MaxPoolGradV2", {{0, 1, 2}, {3, 4}, "output", true}},
      {"MaxPoolV2", {{0}, {1, 2}, "output", true}},
      {"SpaceToDepth", {{0}, {}, "output", false}},
  };
  return ops;
}

// 4 or 5 dimensions; 0 for a node whose channels are last.
int Rank(const NodeDef& node) {
  const auto format = node.attr().find("data_format");
  if (format == node.attr().end() || KnownOps().count(node.op()) == 0) return 0;
  if (format->second.s() == "NCHW") return 4;
  return format->second.s() == "NCDHW" ? 5 : 0;
}

// Ops that the layout optimiser rewrites as if all their inputs had the image's shape, or as if they had no axis.
bool ConfusesOptimizer(const NodeDef& node) {
  if (node.op() == "SelectV2") return true;
  if (node.op().rfind("QuantizeAndDequantize", 0) != 0) return false;
  const auto axis = node.attr().find("axis");
  return axis != node.attr().end() && axis->second.i() >= 0;
}

// The functions that do not become part of the graph before the layout optimiser runs.
std::unordered_set<std::string> Bodies(const tensorflow::GraphDef& graph) {
  std::unordered_map<std::string, const Nodes*> functions;
  for (const auto& function : graph.library().function()) functions[function.signature().name()] = &function.node_def();
  std::unordered_set<std::string> part;
  std::vector<const Nodes*> todo = {&graph.node()};
  while (!todo.empty()) {
    const Nodes& nodes = *todo.back();
    todo.pop_back();
    for (const NodeDef& node : nodes) {
      if (node.op() != "PartitionedCall" && node.op() != "StatefulPartitionedCall") continue;
      const auto called = node.attr().find("f");
      if (called == node.attr().end()) continue;
      const auto function = functions.find(called->second.func().name());
      if (function != functions.end() && part.insert(function->first).second) todo.push_back(function->second);
    }
  }
  std::unordered_set<std::string> bodies;
  for (const auto& [name, nodes] : functions) {
    if (part.count(name) == 0) bodies.insert(name);
  }
  return bodies;
}

// Turns nodes of the graph or of one function back.
class Turner {
 public:
  Turner(Nodes& nodes, bool is_function) : nodes_(nodes), is_function_(is_function) {
    for (const NodeDef& node : nodes) names_.insert(node.name());
  }

  // Turns back all nodes, or those alone that the layout optimiser does not know. Returns the new name of each tensor
  // that has another.
  std::unordered_map<std::string, std::string> Turn(bool all) {
    std::vector<NodeDef*> found;
    for (NodeDef& node : nodes_) {
      if (Rank(node) != 0 && (all || !KnownOps().at(node.op()).by_optimizer)) found.push_back(&node);
    }
    for (NodeDef* node : found) TurnNode(*node);
    if (!renamed_.empty()) Redirect();
    return renamed_;
  }

 private:
  void TurnNode(NodeDef& node) {
    const Images& images = KnownOps().at(node.op());
    const int rank = Rank(node);
    const std::vector<int> last = rank == 4 ? std::vector<int>{0, 2, 3, 1} : std::vector<int>{0, 2, 3, 4, 1};
    const std::vector<int> first = rank == 4 ? std::vector<int>{0, 3, 1, 2} : std::vector<int>{0, 4, 1, 2, 3};
    for (const int input : images.inputs) {
      const std::string name = Unused(node.name() + "/tftrt_input_" + std::to_string(input));
      node.set_input(input, AddTranspose(node, name, node.input(input), last));
    }
    for (const int input : images.vectors) node.set_input(input, AddGather(node, input, last));
    (*node.mutable_attr())["data_format"].set_s(rank == 4 ? "NHWC" : "NDHWC");
    for (const char* attr : {"strides", "ksize", "dilations"}) Permute(node, attr, last, 1);
    Permute(node, "explicit_paddings", last, 2);
    node.mutable_attr()->erase("_output_shapes");
    if (images.output == nullptr) return;
    if (is_function_) {
      const std::string output = node.name() + ":" + images.output + ":0";
      const std::string name = Unused(node.name() + "/tftrt_output");
      renamed_[output] = AddTranspose(node, name, output, first);
      made_.insert(name);
    } else {
      // Signatures name tensors of the graph: the image keeps its name.
      const std::string name = node.name();
      node.set_name(Unused(name + "/tftrt_channels_last"));
      for (int i = 1; i < kMostOutputs; ++i) {
        const std::string output = ":" + std::to_string(i);
        renamed_[name + output] = node.name() + output;
      }
      AddTranspose(node, name, node.name(), first);
    }
  }

  std::string AddTranspose(const NodeDef& node, const std::string& name, const std::string& input,
                           const std::vector<int>& order) {
    NodeDef& added = Add(node, name, "Transpose");
    added.add_input(input);
    added.add_input(AddConstant(node, name + "_order", order, input));
    (*added.mutable_attr())["T"].set_type(TypeOf(node, "T", tensorflow::DT_FLOAT));
    (*added.mutable_attr())["Tperm"].set_type(tensorflow::DT_INT32);
    return is_function_ ? name + ":y:0" : name;
  }

  // Reorders a vector of sizes, strides or the like.
  std::string AddGather(const NodeDef& node, int input, const std::vector<int>& order) {
    const std::string name = Unused(node.name() + "/tftrt_input_" + std::to_string(input));
    NodeDef& added = Add(node, name, "GatherV2");
    added.add_input(node.input(input));
    added.add_input(AddConstant(node, name + "_order", order, node.input(input)));
    added.add_input(AddConstant(node, name + "_axis", {}, node.input(input)));
    auto& attr = *added.mutable_attr();
    attr["Tparams"].set_type(TypeOf(node, "Tshape", tensorflow::DT_INT32));
    attr["Tindices"].set_type(tensorflow::DT_INT32);
    attr["Taxis"].set_type(tensorflow::DT_INT32);
    attr["batch_dims"].set_i(0);
    return is_function_ ? name + ":output:0" : name;
  }

  // A vector, or the scalar 0 for no values. In the frame of a loop it must wait for a tensor of the frame.
  std::string AddConstant(const NodeDef& node, const std::string& wanted, const std::vector<int>& values,
                          const std::string& beside) {
    const std::string name = Unused(wanted);
    NodeDef& added = Add(node, name, "Const");
    (*added.mutable_attr())["dtype"].set_type(tensorflow::DT_INT32);
    tensorflow::TensorProto& tensor = *(*added.mutable_attr())["value"].mutable_tensor();
    tensor.set_dtype(tensorflow::DT_INT32);
    tensor.mutable_tensor_shape();
    if (!values.empty()) tensor.mutable_tensor_shape()->add_dim()->set_size(static_cast<std::int64_t>(values.size()));
    for (const int value : values) tensor.add_int_val(value);
    if (values.empty()) tensor.add_int_val(0);
    if (!is_function_) added.add_input("^" + std::string(NodeName(beside)));
    return is_function_ ? name + ":output:0" : name;
  }

  NodeDef& Add(const NodeDef& node, const std::string& name, const char* op) {
    NodeDef& added = *nodes_.Add();
    added.set_name(name);
    added.set_op(op);
    added.set_device(node.device());
    return added;
  }

  std::string Unused(std::string name) {
    while (!names_.insert(name).second) name += '_';
    return name;
  }

  void Redirect() {
    for (NodeDef& node : nodes_) {
      if (made_.count(node.name()) != 0) continue;
      for (std::string& input : *node.mutable_input()) {
        const auto renamed = renamed_.find(input);
        if (renamed != renamed_.end()) input = renamed->second;
      }
    }
  }

  static void Permute(NodeDef& node, const char* name, const std::vector<int>& order, int width) {
    const auto attr = node.mutable_attr()->find(name);
    if (attr == node.mutable_attr()->end()) return;
    auto& values = *attr->second.mutable_list()->mutable_i();
    if (values.size() != static_cast<int>(order.size()) * width) return;
    const auto before = values;
    for (std::size_t i = 0; i < order.size(); ++i) {
      for (int j = 0; j < width; ++j) values.Set(static_cast<int>(i) * width + j, before.Get(order[i] * width + j));
    }
  }

  static tensorflow::DataType TypeOf(const NodeDef& node, const char* name, tensorflow::DataType otherwise) {
    const auto attr = node.attr().find(name);
    return attr == node.attr().end() ? otherwise : attr->second.type();
  }

  static constexpr int kMostOutputs = 6;

  Nodes& nodes_;
  const bool is_function_;
  std::unordered_set<std::string> names_;
  std::unordered_map<std::string, std::string> renamed_;
  std::unordered_set<std::string> made_;
};

template <typename Predicate>
bool Any(const tensorflow::GraphDef& graph, Predicate predicate) {
  const auto& functions = graph.library().function();
  return std::any_of(graph.node().begin(), graph.node().end(), predicate) ||
         std::any_of(functions.begin(), functions.end(), [&](const auto& function) {
           return std::any_of(function.node_def().begin(), function.node_def().end(), predicate);
         });
}

}  // namespace

bool HasChannelsFirst(const tensorflow::GraphDef& graph) {
  return Any(graph, [](const NodeDef& node) { return Rank(node) != 0; });
}

void TurnBackChannels(tensorflow::GraphDef& graph) {
  if (!HasChannelsFirst(graph)) return;
  const bool all = Any(graph, ConfusesOptimizer);
  const std::unordered_set<std::string> bodies = Bodies(graph);
  Turner(*graph.mutable_node(), /*is_function=*/false).Turn(all);
  for (auto& function : *graph.mutable_library()->mutable_function()) {
    const bool is_body = bodies.count(function.signature().name()) != 0;
    const auto outputs = Turner(*function.mutable_node_def(), /*is_function=*/true).Turn(all || is_body);
    for (auto& [name, tensor] : *function.mutable_ret()) {
      const auto turned = outputs.find(tensor);
      if (turned != outputs.end()) tensor = turned->second;
    }
  }
}

}  // namespace tftrt
