#include "runtime/executor_choice.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/graph_walk.h"
#include "runtime/tensor_name.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_def.pb.h"

namespace tftrt {
namespace {

using Nodes = google::protobuf::RepeatedPtrField<tensorflow::NodeDef>;

// Work that could run side by side must be this many times the work on the longest path before the parallel
// executor is worth its overhead. ResNet-50 has 1.08 (its projections); see benchmarks/executor.
constexpr double kWorthParallel = 1.2;

bool IsLoopOp(const std::string& op) {
  static const std::set<std::string_view> ops = {"Switch",   "RefSwitch",     "_SwitchN",         "Merge",
                                                 "RefMerge", "Enter",         "RefEnter",         "Exit",
                                                 "RefExit",  "NextIteration", "RefNextIteration", "LoopCond"};
  return ops.count(op) != 0;
}

// Ops that wait for, or hand work to, other threads of the session's pool.
bool NeedsPool(const std::string& op) {
  return op.find("Dataset") != std::string::npos || op.find("Iterator") != std::string::npos || op == "BatchFunction";
}

bool Contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool BeginsWith(std::string_view text, std::string_view part) { return text.substr(0, part.size()) == part; }

// Ops that may wait for what another op does, of the same run or another.
bool MayWait(const std::string& op) {
  static const std::set<std::string_view> ops = {"BarrierInsertMany", "BarrierTakeMany", "Batch",
                                                 "MutexLock",         "Stage",           "StagePeek",
                                                 "Unbatch",           "UnbatchGrad",     "Unstage"};
  if (ops.count(op) != 0) return true;
  // Queues and infeeds, accumulators, iterators; what is sent between devices and processes.
  for (const char* part : {"Dequeue", "Enqueue", "TakeGradient", "GetNext", "Recv"}) {
    if (Contains(op, part)) return true;
  }
  for (const char* beginning : {"Collective", "MapPeek", "MapStage", "MapUnstage", "Nccl", "OrderedMapPeek",
                                "OrderedMapStage", "OrderedMapUnstage", "ReaderRead"}) {
    if (BeginsWith(op, beginning)) return true;
  }
  return false;
}

bool HasReferences(const std::string& op) {
  const tensorflow::OpDef* definition = nullptr;
  if (!tensorflow::OpRegistry::Global()->LookUpOpDef(op, &definition).ok()) return false;
  const auto is_reference = [](const tensorflow::OpDef::ArgDef& arg) { return arg.is_ref(); };
  return std::any_of(definition->input_arg().begin(), definition->input_arg().end(), is_reference) ||
         std::any_of(definition->output_arg().begin(), definition->output_arg().end(), is_reference);
}

// Empty if the single-threaded executor takes all of `nodes`.
std::string Obstacle(const Nodes& nodes) {
  for (const tensorflow::NodeDef& node : nodes) {
    if (!MayWait(node.op())) continue;
    return node.op() + " \"" + node.name() + "\", which may wait for another op that then could not run";
  }
  for (const tensorflow::NodeDef& node : nodes) {
    if (IsLoopOp(node.op())) return "TensorFlow 1 control flow (" + node.op() + " \"" + node.name() + "\")";
    if (NeedsPool(node.op())) return node.op() + " \"" + node.name() + "\" needs a thread pool";
    if (HasReferences(node.op())) return "a reference variable (" + node.op() + " \"" + node.name() + "\")";
  }
  return "";
}

bool IsHeavy(const std::string& op) {
  static const std::set<std::string_view> ops = {
      "BatchMatMul", "BatchMatMulV2",           "BatchMatMulV3",         "Conv2D",      "Conv2DBackpropInput",
      "Conv3D",      "Conv3DBackpropInputV2",   "DepthwiseConv2dNative", "Einsum",      "FusedConv2D",
      "MatMul",      "SparseTensorDenseMatMul", "_FusedConv2D",          "_FusedMatMul"};
  return ops.count(op) != 0;
}

// Ops that TensorFlow computes with oneDNN where that is switched on: those that have a twin for it, and those whose
// twin has no layout of its own.
bool HasOneDnnKernel(const tensorflow::NodeDef& node) {
  static const std::set<std::string_view> others = {"BatchMatMul", "BatchMatMulV2", "Einsum", "MatMul"};
  const auto type = node.attr().find("T");
  const bool has_type = type == node.attr().end() || type->second.type() == tensorflow::DT_FLOAT ||
                        type->second.type() == tensorflow::DT_BFLOAT16 || type->second.type() == tensorflow::DT_HALF;
  if (!has_type) return false;
  if (others.count(node.op()) != 0) return true;
  const std::string_view name = BeginsWith(node.op(), "_") ? std::string_view(node.op()).substr(1) : node.op();
  const tensorflow::OpRegistrationData* twin = nullptr;
  return tensorflow::OpRegistry::Global()->LookUp("_MklNative" + std::string(name), &twin).ok();
}

// Looks for bodies of loops and branches that run otherwise in one thread: there the loop's kernel runs the body as a
// function, on a path without the rewrite for oneDNN. The parallel executor makes it part of the graph.
class BodySearch {
 public:
  explicit BodySearch(const tensorflow::GraphDef& graph) : graph_(graph) {
    for (const auto& function : graph.library().function()) functions_[function.signature().name()] = &function;
  }

  // The first loop or branch with an op that oneDNN has a kernel for; empty if there is none.
  std::string Find() {
    std::string found = FindIn(graph_.node());
    for (const auto& function : graph_.library().function()) {
      if (found.empty()) found = FindIn(function.node_def());
    }
    return found;
  }

 private:
  std::string FindIn(const Nodes& nodes) {
    for (const tensorflow::NodeDef& node : nodes) {
      // TensorFlow puts the function of a call in its place, or runs it with the rewrite.
      if (node.op() == "PartitionedCall" || node.op() == "StatefulPartitionedCall") continue;
      for (const std::string& name : Called(node)) {
        const std::string op = OpOf(name);
        if (!op.empty()) return op + " in the body of " + node.op() + " \"" + node.name() + "\"";
      }
    }
    return "";
  }

  static std::vector<std::string> Called(const tensorflow::NodeDef& node) {
    std::vector<std::string> names;
    for (const auto& [name, attr] : node.attr()) {
      if (attr.has_func()) names.push_back(attr.func().name());
      for (const auto& function : attr.list().func()) names.push_back(function.name());
    }
    return names;
  }

  // An op with a kernel in the function or those that it calls.
  std::string OpOf(const std::string& name) {
    const auto function = functions_.find(name);
    if (function == functions_.end() || !seen_.insert(name).second) return "";
    for (const tensorflow::NodeDef& node : function->second->node_def()) {
      if (HasOneDnnKernel(node)) return node.op();
      std::vector<std::string> called = Called(node);
      called.push_back(node.op());
      for (const std::string& inner : called) {
        const std::string op = OpOf(inner);
        if (!op.empty()) return op;
      }
    }
    return "";
  }

  const tensorflow::GraphDef& graph_;
  std::unordered_map<std::string, const tensorflow::FunctionDef*> functions_;
  std::set<std::string> seen_;  // without such an op
};

// In numbers of heavy ops.
struct Work {
  double total = 0;
  double longest_path = 0;
};

class WorkEstimator {
 public:
  explicit WorkEstimator(const tensorflow::GraphDef& graph) {
    for (const auto& function : graph.library().function()) functions_[function.signature().name()] = &function;
    for (const auto& node : graph.node()) graph_[node.name()] = &node;
  }

  // Of everything that computing `outputs` takes.
  Work Estimate(const std::vector<std::string>& outputs) {
    std::vector<std::string_view> last;
    for (const std::string& output : outputs) last.push_back(NodeName(output));
    return Estimate(graph_, last);
  }

 private:
  using ByName = std::unordered_map<std::string_view, const tensorflow::NodeDef*>;

  Work Estimate(const ByName& nodes, const std::vector<std::string_view>& last) {
    std::unordered_map<std::string_view, double> finished;  // longest path up to and with a node
    Work work;
    for (std::string_view name : last) {
      const auto node = nodes.find(name);
      if (node != nodes.end())
        work.longest_path = std::max(work.longest_path, LongestPath(*node->second, nodes, finished));
    }
    for (const auto& [name, path] : finished) work.total += OfNode(*nodes.at(name)).total;
    return work;
  }

  Work OfNode(const tensorflow::NodeDef& node) {
    if (IsHeavy(node.op())) return {1, 1};
    Work work;
    for (const auto& [name, attr] : node.attr()) {
      if (attr.has_func()) Add(OfFunction(attr.func().name()), work);
      for (const auto& function : attr.list().func()) Add(OfFunction(function.name()), work);
    }
    Add(OfFunction(node.op()), work);
    return work;
  }

  static void Add(const Work& part, Work& whole) {
    whole.total += part.total;
    whole.longest_path += part.longest_path;
  }

  Work OfFunction(const std::string& name) {
    const auto function = functions_.find(name);
    if (function == functions_.end()) return {};
    const auto known = estimated_.find(name);
    if (known != estimated_.end()) return known->second;
    estimated_[name] = {};  // ends recursion
    ByName nodes;
    std::vector<std::string_view> last;
    for (const auto& node : function->second->node_def()) {
      nodes[node.name()] = &node;
      last.push_back(node.name());
    }
    return estimated_[name] = Estimate(nodes, last);
  }

  // With an explicit stack: graphs are deeper than threads' stacks.
  double LongestPath(const tensorflow::NodeDef& last, const ByName& nodes,
                     std::unordered_map<std::string_view, double>& finished) {
    constexpr double kUnderWay = -1;
    std::vector<const tensorflow::NodeDef*> stack = {&last};
    while (!stack.empty()) {
      const tensorflow::NodeDef& node = *stack.back();
      const auto [state, first_visit] = finished.emplace(node.name(), kUnderWay);
      if (!first_visit && state->second != kUnderWay) {
        stack.pop_back();
        continue;
      }
      double before = 0;
      for (const std::string& input : node.input()) {
        const auto producer = nodes.find(NodeName(input));
        if (producer == nodes.end()) continue;
        const auto known = finished.find(producer->first);
        if (known == finished.end()) {
          stack.push_back(producer->second);
        } else if (known->second != kUnderWay) {
          before = std::max(before, known->second);
        }
      }
      if (!first_visit) {
        finished[node.name()] = before + OfNode(node).longest_path;
        stack.pop_back();
      }
    }
    return finished[last.name()];
  }

  std::unordered_map<std::string_view, const tensorflow::FunctionDef*> functions_;
  ByName graph_;
  std::map<std::string, Work> estimated_;
};

std::string OneDecimal(double value) {
  const auto tenths = std::lround(value * 10);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

}  // namespace

bool MayBlock(const tensorflow::GraphDef& graph) {
  bool may_block = false;
  ForEachNode(graph, [&](const tensorflow::NodeDef& node) { may_block |= MayWait(node.op()); });
  return may_block;
}

ExecutorChoice CanRunSingleThreaded(const tensorflow::GraphDef& graph) {
  std::string obstacle = Obstacle(graph.node());
  for (const auto& function : graph.library().function()) {
    if (obstacle.empty()) obstacle = Obstacle(function.node_def());
  }
  if (!obstacle.empty()) return {false, "the graph has " + obstacle};
  return {true, "every op can run in the caller's thread"};
}

ExecutorChoice ChooseCpuExecutor(const tensorflow::GraphDef& graph,
                                 const std::vector<std::vector<std::string>>& outputs, bool onednn) {
  ExecutorChoice possible = CanRunSingleThreaded(graph);
  if (!possible.single) return possible;
  const std::string body = onednn ? BodySearch(graph).Find() : "";
  if (!body.empty()) return {false, "TensorFlow computes " + body + " with oneDNN, which only this executor does"};
  WorkEstimator estimator(graph);
  bool any_heavy = false;
  for (const std::vector<std::string>& signature : outputs) {
    const Work work = estimator.Estimate(signature);
    any_heavy |= work.total > 0;
    if (work.longest_path > 0 && work.total / work.longest_path >= kWorthParallel) {
      return {false, "heavy ops can run side by side: " + OneDecimal(work.total / work.longest_path) +
                         " times as many as on the longest path"};
    }
  }
  return {true, any_heavy ? "heavy ops follow one another" : "no heavy ops"};
}

}  // namespace tftrt
