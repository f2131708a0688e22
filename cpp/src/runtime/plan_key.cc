#include "runtime/plan_key.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "runtime/sha256.h"
#include "tensorflow/core/lib/strings/proto_serialization.h"
#include "tensorflow/core/public/version.h"
#include "tftrt/version.h"

namespace tftrt {
namespace {

using tensorflow::FunctionDef;
using tensorflow::FunctionDefLibrary;
using tensorflow::NodeDef;

// To be raised when tftrt builds other plans from the same.
constexpr int kFormat = 2;

// Of the node, what says nothing of its plans.
constexpr const char* kIrrelevant[] = {"max_cached_engines_count", "serialized_segment"};

// Settings of TF-TRT and of NVIDIA's libraries that are nowhere else.
constexpr std::string_view kEnvironment[] = {"TF_TRT_", "NVIDIA_TF32_OVERRIDE="};

// A sum of fields, in which none can pass for a part of its neighbour.
class FieldSum {
 public:
  void Add(std::string_view field) {
    const std::string size = std::to_string(field.size()) + ":";
    sum_.Update(size);
    sum_.Update(field);
  }

  void Add(const google::protobuf::MessageLite& message) {
    std::string bytes;
    tensorflow::SerializeToStringDeterministic(message, &bytes);
    Add(bytes);
  }

  void Add(const std::vector<Shape>& shapes) {
    std::string text;
    for (const Shape& shape : shapes) text += ToString(shape);
    Add(text);
  }

  void Add(const CollectedInputs& inputs) {
    Add(inputs.shapes);
    Add(inputs.values);
  }

  std::string Finish() { return sum_.Finish(); }

 private:
  Sha256 sum_;
};

class Functions {
 public:
  Functions(const FunctionDefLibrary& library, FieldSum& sum) : sum_(sum) {
    for (const FunctionDef& function : library.function()) by_name_[function.signature().name()] = &function;
  }

  // A function and, once each, those that it calls.
  void Add(const std::string& name) {
    const auto function = by_name_.find(name);
    if (function == by_name_.end() || !added_.insert(name).second) return;
    sum_.Add(*function->second);
    for (const NodeDef& node : function->second->node_def()) {
      Add(node.op());
      AddCalled(node);
    }
  }

  void AddCalled(const NodeDef& node) {
    // In order: a map of protobuf's has none.
    std::set<std::string> called;
    for (const auto& [name, attr] : node.attr()) {
      if (attr.has_func()) called.insert(attr.func().name());
      for (const auto& function : attr.list().func()) called.insert(function.name());
    }
    for (const std::string& name : called) Add(name);
  }

 private:
  FieldSum& sum_;
  std::map<std::string, const FunctionDef*> by_name_;
  std::set<std::string> added_;
};

std::vector<std::string> EnvironmentSettings() {
  std::vector<std::string> settings;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view setting = *variable;
    for (std::string_view prefix : kEnvironment) {
      if (setting.substr(0, prefix.size()) == prefix) settings.emplace_back(setting);
    }
  }
  std::sort(settings.begin(), settings.end());
  return settings;
}

}  // namespace

std::string PlanKey(const NodeDef& node, const FunctionDefLibrary& functions, const WantedProfiles& wanted,
                    const PlanPlatform& platform) {
  FieldSum sum;
  for (const std::string& field : {std::to_string(kFormat), std::string(TFTRT_VERSION), std::string(TF_VERSION_STRING),
                                   platform.gpu.name, platform.gpu.compute_capability, platform.gpu.driver,
                                   platform.tensorrt, std::to_string(platform.optimization_level)}) {
    sum.Add(field);
  }
  for (const std::string& setting : EnvironmentSettings()) sum.Add(setting);

  NodeDef relevant;
  *relevant.mutable_attr() = node.attr();
  for (const char* attr : kIrrelevant) relevant.mutable_attr()->erase(attr);
  sum.Add(relevant);
  Functions(functions, sum).AddCalled(relevant);

  // The strategy is in the node.
  for (const CollectedInputs& inputs : wanted.fixed) sum.Add(inputs);
  sum.Add("ranges");
  for (const WantedProfiles::Range& range : wanted.ranges) {
    for (const CollectedInputs* bound : {&range.min, &range.opt, &range.max}) sum.Add(*bound);
  }
  return sum.Finish();
}

}  // namespace tftrt
