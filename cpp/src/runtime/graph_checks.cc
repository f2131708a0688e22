#include "runtime/graph_checks.h"

#include <set>
#include <string>
#include <string_view>

#include "runtime/graph_walk.h"
#include "runtime/tensor_name.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/tensor.pb.h"
#include "tensorflow/core/framework/types.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

bool IsRegistered(const std::string& op) {
  const tensorflow::OpRegistrationData* data = nullptr;
  return tensorflow::OpRegistry::Global()->LookUp(op, &data).ok();
}

std::set<std::string_view> Functions(const tensorflow::GraphDef& graph) {
  std::set<std::string_view> functions;
  for (const auto& function : graph.library().function()) functions.insert(function.signature().name());
  return functions;
}

ModelError Damaged(const std::string& problem) {
  return ModelError("the graph has " + problem +
                    ": the SavedModel is damaged or inconsistent; copy or export it again");
}

class SoundnessCheck {
 public:
  explicit SoundnessCheck(const tensorflow::GraphDef& graph) : functions_(Functions(graph)) {}

  void Check(const tensorflow::NodeDef& node) const {
    if (node.name().empty()) throw Damaged("a node of type " + node.op() + " without a name");
    for (const std::string& input : node.input()) {
      if (ParseTensorName(input)) continue;
      throw Damaged("the node \"" + node.name() + "\" (" + node.op() + ") with the input \"" + input +
                    "\", which names no tensor");
    }
    for (const auto& [name, attr] : node.attr()) {
      if (attr.has_func()) CheckFunction(node, attr.func().name());
      for (const auto& function : attr.list().func()) CheckFunction(node, function.name());
    }
    if (node.op() == "Const") CheckConstant(node);
  }

 private:
  void CheckFunction(const tensorflow::NodeDef& node, const std::string& name) const {
    if (name.empty() || functions_.count(name) != 0 || IsRegistered(name)) return;
    throw Damaged("the node \"" + node.name() + "\" (" + node.op() + ") that calls the function \"" + name +
                  "\", which is not there");
  }

  static void CheckConstant(const tensorflow::NodeDef& node) {
    const auto dtype = node.attr().find("dtype");
    const auto value = node.attr().find("value");
    if (dtype == node.attr().end() || value == node.attr().end()) return;  // TensorFlow reports these
    if (value->second.tensor().dtype() == dtype->second.type()) return;
    throw Damaged("the constant \"" + node.name() + "\" of dtype " + tensorflow::DataTypeString(dtype->second.type()) +
                  " with a value of dtype " + tensorflow::DataTypeString(value->second.tensor().dtype()));
  }

  std::set<std::string_view> functions_;
};

}  // namespace

void RequireSoundGraph(const tensorflow::GraphDef& graph) {
  const SoundnessCheck check(graph);
  ForEachNode(graph, [&](const tensorflow::NodeDef& node) { check.Check(node); });
}

void RequireKnownOps(const tensorflow::GraphDef& graph) {
  const std::set<std::string_view> functions = Functions(graph);
  std::set<std::string> unknown;
  ForEachNode(graph, [&](const tensorflow::NodeDef& node) {
    if (functions.count(node.op()) == 0 && !IsRegistered(node.op())) unknown.insert(node.op());
  });
  if (unknown.empty()) return;
  std::string names;
  for (const std::string& op : unknown) names += (names.empty() ? "" : ", ") + op;
  throw UnsupportedError("the model uses ops that nobody registered in this process: " + names +
                         ". Give the library that defines them in the option op_libraries, or export the model without "
                         "them");
}

}  // namespace tftrt
