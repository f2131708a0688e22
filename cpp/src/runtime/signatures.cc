#include "runtime/signatures.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "runtime/tensor_name.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/framework/tensor.pb.h"
#include "tensorflow/core/framework/types.h"
#include "tensorflow/core/protobuf/struct.pb.h"
#include "tf/tensor_conversion.h"

namespace tftrt {
namespace {

using tensorflow::NodeDef;
using tensorflow::TensorInfo;
using tensorflow::TensorShapeProto;

constexpr char kInitializerSignature[] = "__saved_model_init_op";

// Graphs of this version or an earlier one write a scalar where the shape of a placeholder is not known.
constexpr int kLastVersionWithoutScalars = 21;

// A few bytes of a file can stand for any number of equal elements.
constexpr std::int64_t kMostDefaultElements = 1 << 24;

// With the output's number, also where it is 0. What names no tensor stays as it is, for TensorFlow to refuse.
std::string CompleteName(const std::string& tensor) {
  const std::optional<TensorName> name = ParseTensorName(tensor);
  if (!name || name->control || !name->output.empty()) return tensor;
  return std::string(name->node) + ":" + std::to_string(name->index);
}

// What the graph says about tensors that signatures say less of.
class GraphTensors {
 public:
  explicit GraphTensors(const tensorflow::GraphDef& graph) : version_(graph.versions().producer()) {
    for (const NodeDef& node : graph.node()) nodes_.emplace(node.name(), &node);
  }

  TensorShapeProto ShapeOf(const std::string& tensor) const {
    TensorShapeProto unknown;
    unknown.set_unknown_rank(true);
    const std::optional<TensorName> name = ParseTensorName(tensor);
    if (!name) return unknown;
    const NodeDef* node = Find(name->node);
    if (node == nullptr) return unknown;
    if (IsPlaceholder(*node)) {
      const auto shape = node->attr().find("shape");
      if (shape == node->attr().end()) return unknown;
      const bool legacy = node->op() == "Placeholder" && version_ <= kLastVersionWithoutScalars;
      return legacy && shape->second.shape().dim().empty() ? unknown : shape->second.shape();
    }
    const auto shapes = node->attr().find("_output_shapes");
    if (shapes == node->attr().end() || name->index >= shapes->second.list().shape_size()) return unknown;
    return shapes->second.list().shape(name->index);
  }

  // The constant that TensorFlow 1 takes for a placeholder that is not fed; null if there is none.
  const tensorflow::TensorProto* DefaultOf(const std::string& tensor) const {
    const NodeDef* node = Find(NodeName(tensor));
    if (node == nullptr || node->op() != "PlaceholderWithDefault" || node->input().empty()) return nullptr;
    const NodeDef* constant = Find(NodeName(node->input(0)));
    if (constant == nullptr || constant->op() != "Const") return nullptr;
    const auto value = constant->attr().find("value");
    return value == constant->attr().end() ? nullptr : &value->second.tensor();
  }

  tensorflow::DataType TypeOf(const std::string& tensor) const {
    const NodeDef* node = Find(NodeName(tensor));
    if (node == nullptr || !IsPlaceholder(*node)) return tensorflow::DT_INVALID;
    const auto type = node->attr().find("dtype");
    return type == node->attr().end() ? tensorflow::DT_INVALID : type->second.type();
  }

 private:
  static bool IsPlaceholder(const NodeDef& node) { return node.op().rfind("Placeholder", 0) == 0; }

  const NodeDef* Find(std::string_view name) const {
    const auto node = nodes_.find(name);
    return node == nodes_.end() ? nullptr : node->second;
  }

  int version_;
  std::unordered_map<std::string_view, const NodeDef*> nodes_;
};

TensorSpec SpecOf(const std::string& name, const TensorInfo& info, tensorflow::DataType type,
                  const GraphTensors& tensors) {
  TensorSpec spec;
  spec.name = name;
  const TensorShapeProto shape = info.has_tensor_shape() ? info.tensor_shape() : tensors.ShapeOf(info.name());
  spec.known_rank = !shape.unknown_rank();
  for (const auto& dim : shape.dim()) spec.shape.push_back(dim.size() < 0 ? -1 : dim.size());
  if (const auto dtype = FromTensorFlow(tensorflow::BaseType(type))) spec.dtype = *dtype;
  return spec;
}

// Why a tensor cannot be passed, as "is sparse"; empty if it can.
std::string ProblemOf(const TensorInfo& info, tensorflow::DataType type) {
  if (info.encoding_case() == TensorInfo::kCooSparse) return "is sparse";
  if (info.encoding_case() == TensorInfo::kCompositeTensor) {
    const tensorflow::TypeSpecProto& spec = info.composite_tensor().type_spec();
    if (spec.type_spec_class() == tensorflow::TypeSpecProto::SPARSE_TENSOR_SPEC) return "is sparse";
    if (spec.type_spec_class() == tensorflow::TypeSpecProto::RAGGED_TENSOR_SPEC) return "is ragged";
    return "is composite (" + spec.type_spec_class_name() + ")";
  }
  if (info.encoding_case() != TensorInfo::kName) return "names no tensor";
  if (FromTensorFlow(tensorflow::BaseType(type))) return "";
  return "has TensorFlow's dtype " + tensorflow::DataTypeString(type) + ", which has no equal outside TensorFlow";
}

bool Fits(const tensorflow::TensorShape& shape, const TensorSpec& spec) {
  if (!spec.known_rank) return true;
  if (static_cast<std::size_t>(shape.dims()) != spec.shape.size()) return false;
  for (int i = 0; i < shape.dims(); ++i) {
    const std::int64_t wanted = spec.shape[static_cast<std::size_t>(i)];
    if (wanted != -1 && wanted != shape.dim_size(i)) return false;
  }
  return true;
}

// The problem, if the value cannot be fed.
std::string ReadDefault(const tensorflow::TensorProto& proto, TensorSpec& spec) {
  const std::string what = "the default value of input \"" + spec.name + "\" ";
  tensorflow::TensorShape shape;
  if (!tensorflow::TensorShape::BuildTensorShape(proto.tensor_shape(), &shape).ok()) return what + "has no valid shape";
  if (shape.num_elements() > kMostDefaultElements) {
    return what + "has " + std::to_string(shape.num_elements()) + " elements, more than " +
           std::to_string(kMostDefaultElements);
  }
  tensorflow::Tensor value;
  if (proto.dtype() != ToTensorFlow(spec.dtype)) {
    return what + "has the dtype " + tensorflow::DataTypeString(proto.dtype()) + ", not that of " + ToString(spec);
  }
  if (!value.FromProto(proto)) return what + "cannot be read";
  if (!Fits(shape, spec))
    return what + "has the shape " + shape.DebugString() + ", which does not fit " + ToString(spec);
  spec.default_value = FromTensorFlow(std::move(value));
  return "";
}

template <typename Map>
std::map<std::string, typename Map::mapped_type> Sorted(const Map& map) {
  return {map.begin(), map.end()};
}

void BindInputs(const tensorflow::SignatureDef& definition, const GraphTensors& tensors, BoundSignature& signature) {
  SignatureSpec& spec = signature.spec;
  for (const auto& [name, info] : Sorted(definition.inputs())) {
    const auto type = info.dtype() == tensorflow::DT_INVALID ? tensors.TypeOf(info.name()) : info.dtype();
    TensorSpec input = SpecOf(name, info, type, tensors);
    std::string problem = ProblemOf(info, type);
    const auto value = definition.defaults().find(name);
    if (!problem.empty()) {
      problem = "input \"" + name + "\" " + problem + "; export a signature with dense tensors";
    } else if (value != definition.defaults().end()) {
      problem = ReadDefault(value->second, input);
    } else if (const auto* constant = tensors.DefaultOf(info.name())) {
      // One that does not fit is no default: every call gives the input.
      ReadDefault(*constant, input);
    }
    if (spec.unsupported.empty()) spec.unsupported = problem;
    spec.inputs.push_back(std::move(input));
    signature.input_tensors.push_back(CompleteName(info.name()));
  }
}

void BindOutputs(const tensorflow::SignatureDef& definition, const GraphTensors& tensors, BoundSignature& signature) {
  SignatureSpec& spec = signature.spec;
  for (const auto& [name, info] : Sorted(definition.outputs())) {
    const std::string problem = ProblemOf(info, info.dtype());
    if (!problem.empty()) {
      spec.unavailable.emplace_back(name, "it " + problem);
      continue;
    }
    spec.outputs.push_back(SpecOf(name, info, info.dtype(), tensors));
    signature.output_tensors.push_back(CompleteName(info.name()));
  }
  if (!spec.unsupported.empty() || !spec.outputs.empty()) return;
  spec.unsupported = "it has no outputs";
  if (spec.unavailable.empty()) return;
  const auto& [name, reason] = spec.unavailable.front();
  spec.unsupported =
      "no call can return its output \"" + name + "\": " + reason + "; export a signature with dense tensors";
}

}  // namespace

std::vector<BoundSignature> ReadSignatures(const tensorflow::MetaGraphDef& meta_graph) {
  const GraphTensors tensors(meta_graph.graph_def());
  std::vector<BoundSignature> signatures;
  for (const auto& [name, definition] : meta_graph.signature_def()) {
    if (name == kInitializerSignature) continue;
    BoundSignature& signature = signatures.emplace_back();
    signature.spec.name = name;
    BindInputs(definition, tensors, signature);
    BindOutputs(definition, tensors, signature);
  }
  std::sort(signatures.begin(), signatures.end(),
            [](const BoundSignature& a, const BoundSignature& b) { return a.spec.name < b.spec.name; });
  return signatures;
}

}  // namespace tftrt
