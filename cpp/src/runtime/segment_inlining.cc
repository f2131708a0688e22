#include "runtime/segment_inlining.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "kernels/inlined_engine_op.h"
#include "runtime/engine_nodes.h"
#include "runtime/state_analysis.h"
#include "runtime/tensor_name.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/node_def_util.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/types.h"
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

using Nodes = google::protobuf::RepeatedPtrField<NodeDef>;

bool IsControlFlow(const NodeDef& node) {
  static const std::set<std::string_view> ops = {"Switch",   "RefSwitch", "_SwitchN", "Merge",
                                                 "RefMerge", "Enter",     "RefEnter"};
  return ops.count(node.op()) != 0;
}

bool IsEnter(const NodeDef& node) { return node.op() == "Enter" || node.op() == "RefEnter"; }

const tensorflow::OpDef& Definition(const FunctionDef& segment, const NodeDef& node) {
  const tensorflow::OpDef* definition = nullptr;
  ThrowIfLoadError(tensorflow::OpRegistry::Global()->LookUpOpDef(node.op(), &definition),
                   "reading the native segment \"" + segment.signature().name() + "\"");
  return *definition;
}

// Whether it matters when a node runs, and not only on which values.
bool ReadsState(const FunctionDef& segment, const NodeDef& node) {
  const tensorflow::OpDef& definition = Definition(segment, node);
  const auto& inputs = definition.input_arg();
  return definition.is_stateful() || std::any_of(inputs.begin(), inputs.end(), [](const auto& input) {
           return input.is_ref() || input.type() == tensorflow::DT_RESOURCE;
         });
}

// Where an op's outputs begin, by the names they have in functions ("y" in "node:y:0").
class OutputRanges {
 public:
  explicit OutputRanges(const FunctionDef& function) {
    for (const NodeDef& node : function.node_def()) {
      tensorflow::NameRangeMap ranges;
      ThrowIfLoadError(
          tensorflow::NameRangesForNode(tensorflow::AttrSlice(node), Definition(function, node), nullptr, &ranges),
          "reading the native segment \"" + function.signature().name() + "\"");
      for (const auto& [output, range] : ranges) first_[node.name() + ":" + std::string(output)] = range.first;
    }
  }

  // Of "node:y:1", the number among all outputs of the node; nullopt if there is no such output.
  std::optional<int> Index(const TensorName& name) const {
    const auto first = first_.find(std::string(name.node) + ":" + std::string(name.output));
    if (first == first_.end()) return std::nullopt;
    return first->second + name.index;
  }

 private:
  std::unordered_map<std::string, int> first_;
};

// The nodes of a graph or a function, of which some are engines.
struct Body {
  Nodes& nodes;
  FunctionDef* function = nullptr;                            // null: the graph
  const std::unordered_set<std::string>* in_order = nullptr;  // the engines that stay one step; null: all of them
  bool has_control_flow = false;
  bool has_frames = false;
  std::unordered_set<std::string> names = {};                                  // of nodes and arguments
  std::unordered_map<std::string, std::vector<std::string>> transparent = {};  // outputs of engines that are no step
};

Body MakeBody(Nodes& nodes, FunctionDef* function, const std::unordered_set<std::string>* in_order) {
  Body body = {nodes, function, in_order, std::any_of(nodes.begin(), nodes.end(), IsControlFlow),
               std::any_of(nodes.begin(), nodes.end(), IsEnter)};
  for (const NodeDef& node : nodes) body.names.insert(node.name());
  if (function != nullptr) {
    for (const auto& argument : function->signature().input_arg()) body.names.insert(argument.name());
  }
  return body;
}

// Takes the place of one engine. `segment` may be emptied.
class InlinedEngine {
 public:
  InlinedEngine(Body& body, FunctionDef& segment, NodeDef& engine)
      : body_(body), segment_(segment), engine_(engine), prefix_(engine.name() + "/"), ranges_(segment) {
    std::vector<std::string> data;
    for (const std::string& input : engine.input()) (IsControl(input) ? controls_ : data).push_back(input);
    const auto& arguments = segment.signature().input_arg();
    if (static_cast<std::size_t>(arguments.size()) > data.size())
      throw Malformed(engine, "more inputs than the engine");
    for (int i = 0; i < arguments.size(); ++i) {
      arguments_.emplace(arguments[i].name(), Argument{data[static_cast<std::size_t>(i)], arguments[i].type(), ""});
      argument_names_.push_back(arguments[i].name());
    }
    // TensorFlow sorts the operands of sums by name, and so rounds by names: the nodes get those that they had outside.
    const std::string scope = engine.name().substr(0, engine.name().rfind('/') + 1);
    for (const NodeDef& node : segment.node_def()) {
      nodes_.emplace(node.name(), &node);
      std::string name = scope + node.name();
      if (!body.names.insert(name).second) body.names.insert(name = prefix_ + node.name());
      names_.emplace(node.name(), std::move(name));
    }
  }

  void Run() {
    const bool one_step =
        body_.has_control_flow || body_.in_order == nullptr || body_.in_order->count(engine_.name()) != 0;
    std::vector<std::string> results;
    std::vector<std::string> ends;  // of what the engine does
    for (const auto& result : segment_.signature().output_arg()) {
      const auto found = segment_.ret().find(result.name());
      if (found == segment_.ret().end()) throw Malformed(engine_, "no value for \"" + result.name() + "\"");
      results.push_back(Tensor(found->second));
      ends.push_back(found->second);
    }
    std::vector<std::string> readers;
    if (one_step) {
      for (const NodeDef& node : segment_.node_def()) {
        if (ReadsState(segment_, node)) readers.push_back(node.name());
      }
      ends.insert(ends.end(), readers.begin(), readers.end());
    }
    const std::vector<std::string> unused = one_step ? ArgumentsOutside(ends) : std::vector<std::string>();
    const std::unordered_set<std::string> late(readers.begin(), readers.end());
    for (NodeDef& node : *segment_.mutable_node_def()) MoveNode(node, late.count(node.name()) != 0);
    ReplaceNode(one_step, results, readers, unused);
  }

 private:
  struct Argument {
    std::string tensor;
    tensorflow::DataType type;
    std::string anchor;  // a node that runs when the tensor is there; empty: none yet
  };

  // A tensor of the segment, by its name in the body.
  std::string Tensor(const std::string& name) const {
    const auto parsed = ParseTensorName(name);
    if (!parsed || parsed->control) throw Lacks(name);
    const auto argument = arguments_.find(std::string(parsed->node));
    if (argument != arguments_.end()) return argument->second.tensor;
    const auto node = names_.find(std::string(parsed->node));
    if (body_.function != nullptr && node != names_.end()) return node->second + name.substr(node->first.size());
    const std::optional<int> index = ranges_.Index(*parsed);
    if (!index || node == names_.end()) throw Lacks(name);
    return ToString({node->second, "", *index, false});
  }

  std::string Control(const std::string& name) {
    const auto parsed = ParseTensorName(name);
    if (!parsed) throw Lacks(name);
    const auto argument = arguments_.find(std::string(parsed->node));
    if (argument != arguments_.end()) return "^" + Anchor(argument->first, argument->second);
    const auto node = names_.find(std::string(parsed->node));
    if (node == names_.end()) throw Lacks(name);
    return "^" + node->second;
  }

  ModelError Lacks(const std::string& name) const {
    return Malformed(engine_, "a reference to \"" + name + "\", which it lacks");
  }

  // Not its producer: a control input from a Switch says nothing about the branch.
  const std::string& Anchor(const std::string& name, Argument& argument) {
    if (!argument.anchor.empty()) return argument.anchor;
    argument.anchor = prefix_ + name;
    NodeDef& anchor = *body_.nodes.Add();
    anchor.set_name(argument.anchor);
    anchor.set_op("Identity");
    anchor.set_device(engine_.device());
    anchor.add_input(argument.tensor);
    (*anchor.mutable_attr())["T"].set_type(tensorflow::BaseType(argument.type));
    return argument.anchor;
  }

  // A node that runs when the engine would begin.
  const std::string& Start() {
    if (!start_.empty()) return start_;
    start_ = prefix_ + "start";
    while (nodes_.count(start_.substr(prefix_.size())) != 0 || arguments_.count(start_.substr(prefix_.size())) != 0) {
      start_ += '_';
    }
    std::vector<std::string> inputs = controls_;
    for (const std::string& name : argument_names_) inputs.push_back("^" + Anchor(name, arguments_.at(name)));
    NodeDef& start = *body_.nodes.Add();
    start.set_name(start_);
    start.set_op("NoOp");
    start.set_device(engine_.device());
    for (const std::string& input : inputs) start.add_input(input);
    return start_;
  }

  // The arguments that computing `ends` does not read.
  std::vector<std::string> ArgumentsOutside(const std::vector<std::string>& ends) const {
    std::unordered_set<std::string> seen;
    std::vector<std::string> reached = ends;
    while (!reached.empty()) {
      const std::string name(NodeName(reached.back()));
      reached.pop_back();
      if (!seen.insert(name).second) continue;
      const auto node = nodes_.find(name);
      if (node == nodes_.end()) continue;
      // Not its control inputs: what is ordered by one alone may lose it when constants are folded.
      for (const std::string& input : node->second->input()) {
        if (!IsControl(input)) reached.push_back(input);
      }
    }
    std::vector<std::string> outside;
    for (const std::string& name : argument_names_) {
      if (seen.count(name) == 0) outside.push_back(name);
    }
    return outside;
  }

  // `late`: not before the engine would begin.
  void MoveNode(NodeDef& node, bool late) {
    bool is_first = true;
    std::vector<std::string> inputs;
    for (const std::string& input : node.input()) {
      is_first &= IsArgument(input);
      inputs.push_back(IsControl(input) ? Control(input) : Tensor(input));
    }
    // What comes later in the segment waits for these.
    if (late) {
      inputs.push_back("^" + Start());
    } else if (is_first) {
      inputs.insert(inputs.end(), controls_.begin(), controls_.end());
    }
    // A constant has to be in the frame of the nodes that read it.
    if (inputs.empty() && body_.has_frames && !argument_names_.empty()) {
      inputs.push_back("^" + Anchor(argument_names_.front(), arguments_.at(argument_names_.front())));
    }
    NodeDef& moved = *body_.nodes.Add();
    moved.Swap(&node);
    moved.set_name(names_.at(moved.name()));
    moved.clear_input();
    for (const std::string& input : inputs) moved.add_input(input);
  }

  bool IsArgument(const std::string& input) const { return arguments_.count(std::string(NodeName(input))) != 0; }

  // By a node of the same name, so that few of those that use it need to change.
  void ReplaceNode(bool one_step, const std::vector<std::string>& results, const std::vector<std::string>& readers,
                   const std::vector<std::string>& unused) {
    google::protobuf::Map<std::string, tensorflow::AttrValue> attrs;
    if (one_step) {
      attrs["OutT"] = Attr(engine_, "OutT");
      tensorflow::AttrValue& types = attrs["InT"] = attrs["OutT"];
      for (const std::string& name : unused)
        types.mutable_list()->add_type(tensorflow::BaseType(arguments_.at(name).type));
    } else {
      attrs["T"] = Attr(engine_, "OutT");
    }
    engine_.mutable_attr()->swap(attrs);
    engine_.set_op(one_step ? kInlinedEngineOp : "IdentityN");
    engine_.clear_input();
    for (const std::string& result : results) engine_.add_input(result);
    for (const std::string& name : unused) engine_.add_input(arguments_.at(name).tensor);
    for (const std::string& reader : readers) engine_.add_input("^" + names_.at(reader));
    for (const std::string& control : controls_) engine_.add_input(control);
    if (one_step) return;
    if (body_.function != nullptr) RenameOutputs();
    body_.transparent.emplace(engine_.name(), results);
  }

  // In functions, tensors have the names that outputs have in the op.
  void RenameOutputs() {
    const auto rename = [this](std::string& tensor) {
      const auto name = ParseTensorName(tensor);
      if (!name || name->control || name->node != engine_.name() || name->output.empty()) return;
      tensor = engine_.name() + ":output:" + std::to_string(name->index);
    };
    for (NodeDef& node : body_.nodes) {
      for (std::string& input : *node.mutable_input()) rename(input);
    }
    for (auto& [name, tensor] : *body_.function->mutable_ret()) rename(tensor);
  }

  Body& body_;
  FunctionDef& segment_;
  NodeDef& engine_;
  const std::string prefix_;
  const OutputRanges ranges_;
  std::unordered_map<std::string, Argument> arguments_;
  std::vector<std::string> argument_names_;
  std::unordered_map<std::string, const NodeDef*> nodes_;
  std::unordered_map<std::string, std::string> names_;  // of the nodes, in the body
  std::vector<std::string> controls_;
  std::string start_;
};

// Moves segments' nodes to where their engines are. TensorFlow would do it too, but copies weights for every step until
// then.
class Inliner {
 public:
  explicit Inliner(tensorflow::GraphDef& graph) : graph_(graph) {
    for (FunctionDef& function : *graph.mutable_library()->mutable_function()) {
      functions_[function.signature().name()] = &function;
    }
    CountUses(graph.node());
    for (const auto& [name, function] : functions_) CountUses(function->node_def());
  }

  void Run(const GraphParts& in_order) {
    Body graph = MakeBody(*graph_.mutable_node(), nullptr, &in_order.nodes);
    Inline(graph);
    static const std::unordered_set<std::string> kNone;
    for (const auto& [name, function] : functions_) {
      Body body = MakeBody(*function->mutable_node_def(), function, in_order.functions.count(name) ? nullptr : &kNone);
      Inline(body);
    }
  }

 private:
  void CountUses(const Nodes& nodes) {
    for (const NodeDef& node : nodes) {
      if (node.op() == kEngineOp) ++uses_[SegmentName(node)];
    }
  }

  void Inline(Body& body) {
    std::vector<NodeDef*> engines;
    for (NodeDef& node : body.nodes) {
      if (node.op() == kEngineOp) engines.push_back(&node);
    }
    for (NodeDef* engine : engines) {
      const auto segment = functions_.find(SegmentName(*engine));
      if (segment == functions_.end()) {
        throw Malformed(*engine, "the segment function \"" + SegmentName(*engine) + "\", which is not in the model");
      }
      if (--uses_[segment->first] == 0) {
        InlinedEngine(body, *segment->second, *engine).Run();
        segment->second->clear_node_def();
      } else {
        FunctionDef copy = *segment->second;
        InlinedEngine(body, copy, *engine).Run();
      }
    }
    for (NodeDef& node : body.nodes) {
      for (std::string& input : *node.mutable_input()) LookThrough(body, input);
    }
  }

  // Names the producer of what an engine hands on.
  static void LookThrough(const Body& body, std::string& tensor) {
    while (!IsControl(tensor)) {
      const auto name = ParseTensorName(tensor);
      if (!name) return;
      const auto engine = body.transparent.find(std::string(name->node));
      const auto index = static_cast<std::size_t>(name->index);
      if (engine == body.transparent.end() || index >= engine->second.size()) return;
      tensor = engine->second[index];
    }
  }

  tensorflow::GraphDef& graph_;
  std::unordered_map<std::string, FunctionDef*> functions_;
  std::unordered_map<std::string, int> uses_;
};

GraphParts PartsInOrder(const tensorflow::MetaGraphDef& meta_graph) {
  const StateAnalysis analysis(meta_graph.graph_def());
  GraphParts in_order;
  for (const auto& [name, signature] : meta_graph.signature_def()) {
    std::vector<std::string> outputs;
    for (const auto& [output, info] : signature.outputs()) outputs.push_back(info.name());
    GraphParts parts = analysis.PartsOf(outputs);
    if (!analysis.HasEffects(parts)) continue;
    in_order.nodes.merge(parts.nodes);
    in_order.functions.merge(parts.functions);
  }
  return in_order;
}

}  // namespace

void ReplaceEngines(tensorflow::MetaGraphDef& meta_graph) {
  if (CountEngines(meta_graph.graph_def()) == 0) return;
  const GraphParts in_order = PartsInOrder(meta_graph);
  Inliner(*meta_graph.mutable_graph_def()).Run(in_order);
}

}  // namespace tftrt
