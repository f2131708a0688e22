#include "direct/direct_signature.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "kernels/engine_op.h"
#include "runtime/engine_nodes.h"
#include "runtime/tensor_name.h"
#include "tensorflow/core/framework/node_def.pb.h"

namespace tftrt {
namespace {

using tensorflow::NodeDef;

constexpr char kIdentity[] = "Identity";

// "node" is "node:0".
std::string WithIndex(const std::string& tensor) {
  const std::optional<TensorName> name = ParseTensorName(tensor);
  if (!name || name->control || !name->output.empty()) return tensor;
  return std::string(name->node) + ":" + std::to_string(name->index);
}

std::optional<std::size_t> OutputIndex(std::string_view tensor) {
  const std::optional<TensorName> name = ParseTensorName(tensor);
  if (!name || name->control || !name->output.empty()) return std::nullopt;
  return static_cast<std::size_t>(name->index);
}

void AddControls(const NodeDef& node, std::set<std::string>& names) {
  for (const std::string& input : node.input()) {
    if (IsControl(input)) names.emplace(NodeName(input));
  }
}

bool IsEngineDType(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat16 || dtype == DType::kInt32;
}

class Finder {
 public:
  Finder(const tensorflow::GraphDef& graph, const BoundSignature& signature)
      : graph_(graph), signature_(signature), checks_(graph, signature.input_tensors) {
    for (const NodeDef& node : graph.node()) nodes_.emplace(node.name(), &node);
  }

  std::optional<DirectSignature> Find() {
    DirectSignature direct;
    std::vector<std::set<std::string>> waits(signature_.output_tensors.size());
    for (std::size_t i = 0; i < signature_.output_tensors.size(); ++i) {
      const std::string tensor = Origin(signature_.output_tensors[i], waits[i]);
      const NodeDef* node = Node(tensor);
      const std::optional<std::size_t> index = OutputIndex(tensor);
      const bool same = engine_ == nullptr || node == engine_;
      if (node == nullptr || !same || !index || !IsEngineDType(signature_.spec.outputs[i].dtype)) return std::nullopt;
      engine_ = node;
      direct.outputs.push_back(*index);
      direct.output_dtypes.push_back(signature_.spec.outputs[i].dtype);
    }
    if (engine_ == nullptr || !IsOurs(*engine_) || IsShared()) return std::nullopt;
    std::set<std::string> engine_waits;
    AddControls(*engine_, engine_waits);
    for (const std::string& input : engine_->input()) {
      if (IsControl(input)) continue;
      const std::string tensor = Origin(input, engine_waits);
      const auto found = std::find(signature_.input_tensors.begin(), signature_.input_tensors.end(), tensor);
      if (found == signature_.input_tensors.end()) return std::nullopt;
      const auto index = static_cast<std::size_t>(found - signature_.input_tensors.begin());
      if (!IsEngineDType(signature_.spec.inputs[index].dtype)) return std::nullopt;
      direct.inputs.push_back(index);
    }
    for (std::set<std::string>& names : waits) {
      names.insert(engine_waits.begin(), engine_waits.end());
      const std::optional<InputChecks> checks = checks_.Find(names);
      if (!checks) return std::nullopt;
      direct.checks.push_back(*checks);
    }
    direct.node = engine_->name();
    direct.engine = EngineName(engine_->name());
    const auto implicit = engine_->attr().find("_use_implicit_batch");
    direct.implicit_batch = implicit == engine_->attr().end() || implicit->second.b();
    direct.types = {Types("InT"), Types("OutT")};
    return direct;
  }

 private:
  static bool IsOurs(const NodeDef& node) {
    const auto kernel = node.attr().find("_kernel");
    return node.op() == kEngineOp && kernel != node.attr().end() && kernel->second.s() == kEngineOpLabel;
  }

  const NodeDef* Node(const std::string& tensor) const {
    const auto found = nodes_.find(std::string(NodeName(tensor)));
    return found == nodes_.end() ? nullptr : found->second;
  }

  // What the tensor is another name of; adds the nodes that it waits for on the way there.
  std::string Origin(std::string tensor, std::set<std::string>& waits) const {
    for (std::size_t steps = 0; steps < nodes_.size(); ++steps) {
      tensor = WithIndex(tensor);
      const auto& fed = signature_.input_tensors;
      if (std::find(fed.begin(), fed.end(), tensor) != fed.end()) break;
      const NodeDef* node = Node(tensor);
      if (node == nullptr || node->input().empty() || IsControl(node->input(0))) break;
      if (IsPassingCheck(node->op())) {
        waits.insert(node->name());
      } else if (node->op() == kIdentity) {
        AddControls(*node, waits);
      } else {
        break;
      }
      tensor = node->input(0);
    }
    return tensor;
  }

  std::vector<tensorflow::DataType> Types(const char* attr) const {
    std::vector<tensorflow::DataType> types;
    const auto found = engine_->attr().find(attr);
    if (found == engine_->attr().end()) return types;
    for (int type : found->second.list().type()) types.push_back(static_cast<tensorflow::DataType>(type));
    return types;
  }

  bool IsShared() const {
    const auto uses_engine = [this](const std::string& input) { return NodeName(input) == engine_->name(); };
    return std::any_of(graph_.node().begin(), graph_.node().end(), [&](const NodeDef& node) {
      return node.op() != kIdentity && std::any_of(node.input().begin(), node.input().end(), uses_engine);
    });
  }

  const tensorflow::GraphDef& graph_;
  const BoundSignature& signature_;
  const InputCheckFinder checks_;
  std::unordered_map<std::string, const NodeDef*> nodes_;
  const NodeDef* engine_ = nullptr;
};

// The nodes that compute the signature's outputs.
std::set<std::string> NodesOf(const tensorflow::GraphDef& graph, const BoundSignature& signature) {
  std::unordered_map<std::string, const NodeDef*> nodes;
  for (const NodeDef& node : graph.node()) nodes.emplace(node.name(), &node);
  std::set<std::string> found;
  std::vector<std::string> next;
  for (const std::string& tensor : signature.output_tensors) next.emplace_back(NodeName(tensor));
  while (!next.empty()) {
    const std::string name = std::move(next.back());
    next.pop_back();
    const auto node = nodes.find(name);
    if (node == nodes.end() || !found.insert(name).second) continue;
    for (const std::string& input : node->second->input()) next.emplace_back(NodeName(input));
  }
  return found;
}

}  // namespace

std::vector<std::optional<DirectSignature>> FindDirectSignatures(const tensorflow::GraphDef& graph,
                                                                 const std::vector<BoundSignature>& signatures) {
  std::vector<std::optional<DirectSignature>> direct;
  for (const BoundSignature& signature : signatures) direct.push_back(Finder(graph, signature).Find());
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    if (direct[i]) continue;
    const std::set<std::string> nodes = NodesOf(graph, signatures[i]);
    for (std::optional<DirectSignature>& other : direct) {
      if (other && nodes.count(other->node) != 0) other.reset();
    }
  }
  return direct;
}

void PlaceChecksOnHost(const std::vector<std::optional<DirectSignature>>& direct,
                       const std::vector<BoundSignature>& signatures, tensorflow::GraphDef& graph) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < direct.size(); ++i) {
    const std::optional<DirectSignature>& signature = direct[i];
    if (!signature) continue;
    const InputCheckFinder finder(graph, signatures[i].input_tensors);
    for (const InputChecks& checks : signature->checks) names.merge(finder.NodesOf(checks));
  }
  for (NodeDef& node : *graph.mutable_node()) {
    if (names.count(node.name()) != 0) node.set_device("/device:CPU:0");
  }
}

}  // namespace tftrt
