#include "runtime/signatures.h"

#include <algorithm>
#include <map>
#include <optional>

#include "runtime/tensor_name.h"
#include "tensorflow/core/framework/types.h"
#include "tf/tensor_conversion.h"

namespace tftrt {
namespace {

using TensorInfos = google::protobuf::Map<std::string, tensorflow::TensorInfo>;

constexpr char kInitializerSignature[] = "__saved_model_init_op";

// With the output's number, also where it is 0. What names no tensor stays as it is, for TensorFlow to refuse.
std::string CompleteName(const std::string& tensor) {
  const std::optional<TensorName> name = ParseTensorName(tensor);
  if (!name || name->control || !name->output.empty()) return tensor;
  return std::string(name->node) + ":" + std::to_string(name->index);
}

// Appends specs and tensor names; returns why one of them cannot be fed or fetched.
std::string Bind(const TensorInfos& infos, const char* what, std::vector<TensorSpec>& specs,
                 std::vector<std::string>& tensors) {
  std::string problem;
  const std::map<std::string, tensorflow::TensorInfo> sorted(infos.begin(), infos.end());
  for (const auto& [name, info] : sorted) {
    TensorSpec spec;
    spec.name = name;
    spec.known_rank = !info.tensor_shape().unknown_rank();
    for (const auto& dim : info.tensor_shape().dim()) spec.shape.push_back(dim.size() < 0 ? -1 : dim.size());
    const auto dtype = FromTensorFlow(tensorflow::BaseType(info.dtype()));
    if (info.encoding_case() != tensorflow::TensorInfo::kName) {
      problem = std::string(what) + " \"" + name + "\" is sparse or composite; export a signature with dense tensors";
    } else if (!dtype) {
      problem = std::string(what) + " \"" + name + "\" has TensorFlow's dtype " +
                tensorflow::DataTypeString(info.dtype()) + ", which has no equal outside TensorFlow";
    } else {
      spec.dtype = *dtype;
    }
    specs.push_back(std::move(spec));
    tensors.push_back(CompleteName(info.name()));
  }
  return problem;
}

}  // namespace

std::vector<BoundSignature> ReadSignatures(const tensorflow::MetaGraphDef& meta_graph) {
  std::vector<BoundSignature> signatures;
  for (const auto& [name, definition] : meta_graph.signature_def()) {
    if (name == kInitializerSignature) continue;
    BoundSignature& signature = signatures.emplace_back();
    SignatureSpec& spec = signature.spec;
    spec.name = name;
    spec.unsupported = Bind(definition.inputs(), "input", spec.inputs, signature.input_tensors);
    const std::string problem = Bind(definition.outputs(), "output", spec.outputs, signature.output_tensors);
    if (spec.unsupported.empty()) spec.unsupported = problem;
    if (spec.unsupported.empty() && spec.outputs.empty()) spec.unsupported = "it has no outputs";
  }
  std::sort(signatures.begin(), signatures.end(),
            [](const BoundSignature& a, const BoundSignature& b) { return a.spec.name < b.spec.name; });
  return signatures;
}

}  // namespace tftrt
