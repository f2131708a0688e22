#include "runtime/segment_inlining.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "runtime/engine_nodes.h"
#include "runtime/graph_walk.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/node_def_util.h"
#include "tensorflow/core/framework/op.h"
#include "tf/status.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

using tensorflow::FunctionDef;
using tensorflow::NodeDef;

ModelError Malformed(const NodeDef& engine, const std::string& problem) {
  return ModelError("engine \"" + engine.name() + "\" or its native segment has " + problem +
                    "; the model is damaged, convert it again");
}

const tensorflow::AttrValue& Attr(const NodeDef& engine, const std::string& name) {
  const auto attr = engine.attr().find(name);
  if (attr == engine.attr().end()) throw Malformed(engine, "no attribute " + name);
  return attr->second;
}

const std::string& SegmentName(const NodeDef& engine) {
  const auto segment = engine.attr().find("segment_func");
  if (segment == engine.attr().end() || segment->second.func().name().empty()) {
    throw UnsupportedError(
        "engine \"" + engine.name() +
        "\" has no native segment (it was converted with remove_native_segments), so the model cannot "
        "run on a CPU: load it on a GPU, or convert it again with its native segments");
  }
  return segment->second.func().name();
}

// For TensorFlow to inline: inside a function, or in a graph with loops, where constants need to be put into frames.
void CallSegment(NodeDef& engine) {
  SegmentName(engine);
  google::protobuf::Map<std::string, tensorflow::AttrValue> call;
  call["f"] = Attr(engine, "segment_func");
  call["Tin"] = Attr(engine, "InT");
  call["Tout"] = Attr(engine, "OutT");
  engine.mutable_attr()->swap(call);
  engine.set_op("PartitionedCall");
}

// Where an op's outputs begin, by the names they have in functions ("y" in "node:y:0").
class OutputRanges {
 public:
  explicit OutputRanges(const FunctionDef& function) {
    for (const NodeDef& node : function.node_def()) {
      const tensorflow::OpDef* definition = nullptr;
      ThrowIfLoadError(tensorflow::OpRegistry::Global()->LookUpOpDef(node.op(), &definition),
                       "reading the native segment \"" + function.signature().name() + "\"");
      tensorflow::NameRangeMap ranges;
      ThrowIfLoadError(tensorflow::NameRangesForNode(tensorflow::AttrSlice(node), *definition, nullptr, &ranges),
                       "reading the native segment \"" + function.signature().name() + "\"");
      for (const auto& [output, range] : ranges) first_[node.name() + ":" + std::string(output)] = range.first;
    }
  }

  // "node:y:1" -> {"node", index}
  std::pair<std::string, int> Resolve(const std::string& tensor) const {
    const std::size_t last = tensor.rfind(':');
    const auto first = first_.find(tensor.substr(0, last));
    int offset = 0;
    if (last == std::string::npos || first == first_.end() || !absl::SimpleAtoi(tensor.substr(last + 1), &offset)) {
      return {"", -1};
    }
    return {tensor.substr(0, tensor.find(':')), first->second + offset};
  }

 private:
  std::unordered_map<std::string, int> first_;
};

std::string Join(const std::string& node, int index) { return index == 0 ? node : node + ":" + std::to_string(index); }

// Moves a segment's nodes into the graph. TensorFlow would do it too, but copies weights for every step until then.
class Inliner {
 public:
  explicit Inliner(tensorflow::GraphDef& graph) : graph_(graph) {
    for (FunctionDef& function : *graph.mutable_library()->mutable_function()) {
      functions_[function.signature().name()] = &function;
    }
    for (const NodeDef& node : graph.node()) {
      if (node.op() == kEngineOp) ++uses_[SegmentName(node)];
    }
  }

  void Run() {
    std::vector<NodeDef*> engines;
    for (NodeDef& node : *graph_.mutable_node()) {
      if (node.op() == kEngineOp) engines.push_back(&node);
    }
    for (NodeDef* engine : engines) {
      const auto segment = functions_.find(SegmentName(*engine));
      if (segment == functions_.end()) {
        throw Malformed(*engine, "the segment function \"" + SegmentName(*engine) + "\", which is not in the model");
      }
      if (--uses_[segment->first] == 0) {
        Inline(*segment->second, *engine);
      } else {
        FunctionDef copy = *segment->second;
        Inline(copy, *engine);
      }
    }
  }

 private:
  // The engine's node becomes an IdentityN of the same name, so that nothing that uses it needs to change.
  void Inline(FunctionDef& segment, NodeDef& engine) {
    const OutputRanges ranges(segment);
    const std::string prefix = engine.name() + "/";
    std::unordered_map<std::string, std::string> arguments;
    std::vector<std::string> controls;
    std::vector<std::string> data;
    for (const std::string& input : engine.input()) (input[0] == '^' ? controls : data).push_back(input);
    for (int i = 0; i < segment.signature().input_arg_size(); ++i) {
      if (static_cast<std::size_t>(i) >= data.size()) throw Malformed(engine, "more inputs than the engine");
      arguments[segment.signature().input_arg(i).name()] = data[static_cast<std::size_t>(i)];
    }
    const auto tensor = [&](const std::string& name) {
      const auto argument = arguments.find(name);
      if (argument != arguments.end()) return argument->second;
      const auto [node, index] = ranges.Resolve(name);
      if (index < 0) throw Malformed(engine, "a reference to \"" + name + "\", which it lacks");
      return Join(prefix + node, index);
    };

    std::vector<std::string> results;
    for (const auto& result : segment.signature().output_arg()) {
      const auto found = segment.ret().find(result.name());
      if (found == segment.ret().end()) throw Malformed(engine, "no value for \"" + result.name() + "\"");
      results.push_back(tensor(found->second));
    }
    for (NodeDef& node : *segment.mutable_node_def()) {
      for (std::string& input : *node.mutable_input()) {
        input = input[0] == '^' ? "^" + prefix + input.substr(1) : tensor(input);
      }
      for (const std::string& control : controls) node.add_input(control);
      node.set_name(prefix + node.name());
      graph_.add_node()->Swap(&node);
    }

    google::protobuf::Map<std::string, tensorflow::AttrValue> attrs;
    attrs["T"] = Attr(engine, "OutT");
    engine.mutable_attr()->swap(attrs);
    engine.set_op("IdentityN");
    engine.clear_input();
    for (const std::string& result : results) engine.add_input(result);
    for (const std::string& control : controls) engine.add_input(control);
  }

  tensorflow::GraphDef& graph_;
  std::unordered_map<std::string, FunctionDef*> functions_;
  std::unordered_map<std::string, int> uses_;
};

template <typename Nodes>
void CallSegments(Nodes& nodes) {
  for (NodeDef& node : nodes) {
    if (node.op() == kEngineOp) CallSegment(node);
  }
}

}  // namespace

void ReplaceEngines(tensorflow::GraphDef& graph) {
  for (FunctionDef& function : *graph.mutable_library()->mutable_function()) CallSegments(*function.mutable_node_def());
  const auto is_enter = [](const NodeDef& node) { return node.op() == "Enter" || node.op() == "RefEnter"; };
  if (std::any_of(graph.node().begin(), graph.node().end(), is_enter)) {
    CallSegments(*graph.mutable_node());
  } else {
    Inliner(graph).Run();
  }
}

}  // namespace tftrt
