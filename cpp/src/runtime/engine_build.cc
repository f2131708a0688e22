#include "runtime/engine_build.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <mutex>
#include <set>
#include <utility>

#include "engines/tf_trt.h"
#include "kernels/engine_op.h"
#include "runtime/graph_walk.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tf/gpu_device.h"
#include "tf/status.h"
#include "tf/status_text.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

// Holds no engine.
constexpr char kNoFile[] = "/dev/null";

tensorflow::Tensor StringTensor(const std::string& value) {
  tensorflow::Tensor tensor(tensorflow::DT_STRING, tensorflow::TensorShape());
  tensor.scalar<tensorflow::tstring>()() = value;
  return tensor;
}

const tensorflow::AttrValue& AttrOf(const tensorflow::NodeDef& node, const std::string& name) {
  const auto attr = node.attr().find(name);
  return attr == node.attr().end() ? tensorflow::AttrValue::default_instance() : attr->second;
}

bool FlagOf(const tensorflow::NodeDef& node, const std::string& name, bool otherwise) {
  const auto attr = node.attr().find(name);
  return attr == node.attr().end() ? otherwise : attr->second.b();
}

std::vector<tensorflow::DataType> TypesOf(const tensorflow::NodeDef& node, const std::string& name) {
  std::vector<tensorflow::DataType> types;
  for (int type : AttrOf(node, name).list().type()) types.push_back(static_cast<tensorflow::DataType>(type));
  return types;
}

// Merges what one engine saw in a loop, say, into one bound.
template <typename Pick>
CollectedInputs Combine(const std::vector<CollectedInputs>& seen, Pick pick) {
  CollectedInputs combined = seen.front();
  const auto combine = [&](Shape& into, const Shape& from) {
    for (std::size_t d = 0; d < into.size(); ++d) into[d] = pick(into[d], from[d]);
  };
  for (const CollectedInputs& inputs : seen) {
    for (std::size_t i = 0; i < inputs.shapes.size(); ++i) {
      if (combined.shapes[i].size() != inputs.shapes[i].size()) {
        throw InvalidArgumentError(
            "the number of dimensions of an engine's inputs changes within a call or a range of shapes");
      }
      combine(combined.shapes[i], inputs.shapes[i]);
      Shape& values = combined.values[i];
      // A vector whose length changes is data, for a shape has one length.
      if (values.size() != inputs.values[i].size()) values.clear();
      combine(values, inputs.values[i]);
    }
  }
  return combined;
}

CollectedInputs Least(const std::vector<CollectedInputs>& seen) {
  return Combine(seen, [](std::int64_t a, std::int64_t b) { return std::min(a, b); });
}

CollectedInputs Most(const std::vector<CollectedInputs>& seen) {
  return Combine(seen, [](std::int64_t a, std::int64_t b) { return std::max(a, b); });
}

bool Same(const CollectedInputs& a, const CollectedInputs& b) { return a.shapes == b.shapes && a.values == b.values; }

// In every dimension: an engine's input may shrink where the model's grows.
WantedProfiles::Range Ordered(const WantedProfiles::Range& range) {
  WantedProfiles::Range ordered;
  ordered.min = Least({range.min, range.opt, range.max});
  ordered.opt = range.opt;
  ordered.max = Most({range.min, range.opt, range.max});
  return ordered;
}

// Why an engine cannot be called built; empty if it can.
std::string Missing(const EngineNode& engine, const EnginePlans& plans, const WantedProfiles& wanted) {
  if (plans.empty()) return "TensorRT could not build it";
  if (!engine.implicit_batch) return "";
  for (const CollectedInputs& inputs : wanted.fixed) {
    if (!plans.Accept(inputs.shapes)) return "TensorRT could not build it for " + ToString(inputs.shapes);
  }
  return "";
}

// Takes the time of each engine, and tells of its turn. Kernels call it, from any thread.
class BuildClock {
 public:
  BuildClock(std::map<std::string, BuiltEngine>& results, std::size_t engines, const EngineBuilder::Progress& progress)
      : results_(results), engines_(static_cast<int>(engines)), progress_(progress) {}

  void Begin(const std::string& engine) {
    const std::lock_guard lock(mutex_);
    const Clock::time_point now = Clock::now();
    if (!current_.empty()) results_[current_].seconds += std::chrono::duration<double>(now - start_).count();
    current_ = engine;
    start_ = now;
    if (engine.empty() || !started_.insert(engine).second || !progress_) return;
    try {
      progress_(engine, static_cast<int>(started_.size()), engines_);
    } catch (...) {  // TensorFlow's threads let none pass
      if (!error_) error_ = std::current_exception();
    }
  }

  // Rethrows what the caller's progress threw.
  void End() {
    Begin("");
    if (error_) std::rethrow_exception(error_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::map<std::string, BuiltEngine>& results_;
  const int engines_;
  const EngineBuilder::Progress& progress_;
  std::mutex mutex_;
  std::set<std::string> started_;
  std::string current_;
  Clock::time_point start_ = Clock::now();
  std::exception_ptr error_;
};

class ObserverGuard {
 public:
  ObserverGuard(EngineTable& table, EngineTable::BuildObserver observer) : table_(table) {
    table_.set_build_observer(std::move(observer));
  }
  ~ObserverGuard() {
    table_.set_build_observer({});
    table_.set_mode(EngineMode::kRun);
  }
  ObserverGuard(const ObserverGuard&) = delete;
  ObserverGuard& operator=(const ObserverGuard&) = delete;

 private:
  EngineTable& table_;
};

}  // namespace

std::vector<EngineNode> ReadEngineNodes(const tensorflow::GraphDef& graph) {
  std::map<std::string, EngineNode> engines;
  ForEachNode(graph, [&](const tensorflow::NodeDef& node) {
    if (node.op() != kEngineOp) return;
    EngineNode engine;
    engine.name = EngineName(node.name());
    engine.implicit_batch = FlagOf(node, "_use_implicit_batch", true);
    engine.calibrates = AttrOf(node, "precision_mode").s() == "INT8" && FlagOf(node, "use_calibration", true) &&
                        AttrOf(node, "calibration_data").s().empty();
    engine.profile_strategy = AttrOf(node, "profile_strategy").s();
    if (engine.profile_strategy.empty()) engine.profile_strategy = "Range";
    for (const auto& shape : AttrOf(node, "input_shapes").list().shape()) engine.input_shapes.emplace_back(shape);
    engine.input_types = TypesOf(node, "InT");
    engine.output_types = TypesOf(node, "OutT");
    engines[engine.name] = std::move(engine);
  });
  std::vector<EngineNode> sorted;
  for (auto& [name, engine] : engines) sorted.push_back(std::move(engine));
  return sorted;
}

std::vector<std::string> NamesOf(const std::vector<EngineNode>& engines) {
  std::vector<std::string> names;
  for (const EngineNode& engine : engines) names.push_back(engine.name);
  return names;
}

tensorflow::ResourceMgr& ResourcesOf(tensorflow::Session& session, const std::string& device) {
  return *FindDevice(session, device).resource_manager();
}

EngineBuild::EngineBuild(tensorflow::Session& session, EngineTable& table, tensorflow::ResourceMgr& resources,
                         std::vector<EngineNode> engines, std::map<std::string, EngineControls> controls)
    : session_(session),
      table_(table),
      resources_(resources),
      engines_(std::move(engines)),
      controls_(std::move(controls)) {}

EngineBuild::~EngineBuild() { table_.set_mode(EngineMode::kRun); }

void EngineBuild::MakeCaches(const std::map<std::string, std::string>& files) {
  for (const EngineNode& engine : engines_) {
    const auto file = files.find(engine.name);
    Restore(engine, file == files.end() ? kNoFile : file->second);
  }
}

void EngineBuild::Restore(const EngineNode& engine, const std::string& file) {
  const EngineControls& controls = controls_.at(engine.name);
  ThrowIfError(session_.Run({{controls.file, StringTensor(file)}}, {}, {controls.restore}, nullptr),
               "filling the engine cache of \"" + engine.name + "\"");
  table_.Get(engine.name).SetPlans(GetTfTrt().OpenCache(resources_, engine.name)->Plans(engine.implicit_batch));
}

const WantedProfiles* EngineBuild::Wanted(const std::string& engine) const {
  const auto wanted = wanted_.find(engine);
  return wanted == wanted_.end() ? nullptr : &wanted->second;
}

void EngineBuild::UsePlans(const EngineNode& engine, const std::string& file) {
  if (!profiled_.empty()) throw InvalidArgumentError("plans are to be given before anything is calibrated or built");
  Restore(engine, file);
  if (!table_.Get(engine.name).HasPlans()) throw ModelError("there are no plans in \"" + file + "\"");
  reused_.insert(engine.name);
}

void EngineBuild::Run(const Callable& callable, const std::vector<Tensor>& inputs, EngineMode mode) {
  std::vector<const Tensor*> pointers;
  for (const Tensor& input : inputs) pointers.push_back(&input);
  table_.set_mode(mode);
  callable.Run(pointers.data());
}

void EngineBuild::Collect(const Callable& callable, const std::vector<Tensor>& inputs, ShapeRole role) {
  table_.TakeCollected();
  Run(callable, inputs, EngineMode::kCollect);
  bool new_shape = false;
  for (auto& [engine, seen] : table_.TakeCollected()) {
    WantedProfiles& wanted = wanted_[engine];
    WantedProfiles::Range& range = range_[engine];
    switch (role) {
      case ShapeRole::kFixed:
        for (CollectedInputs& one : seen) {
          const bool known = std::any_of(wanted.fixed.begin(), wanted.fixed.end(),
                                         [&](const CollectedInputs& other) { return Same(one, other); });
          if (known) continue;
          wanted.fixed.push_back(std::move(one));
          new_shape = true;
        }
        break;
      case ShapeRole::kMin:
        range = {};
        range.min = Least(seen);
        break;
      case ShapeRole::kOpt:
        range.opt = seen.back();
        new_shape = true;
        break;
      case ShapeRole::kMax:
        if (range.min.shapes.empty() || range.opt.shapes.empty()) {
          throw InvalidArgumentError("engine \"" + engine +
                                     "\" runs with the max shapes and not with the min or opt "
                                     "shapes: the data decides whether it runs; give sample data instead of shapes");
        }
        range.max = Most(seen);
        wanted.ranges.push_back(Ordered(range));
        break;
    }
  }
  if (new_shape) calls_.push_back({&callable, inputs});
}

void EngineBuild::SetProfiles(const EngineNode& engine) {
  const auto wanted = wanted_.find(engine.name);
  const bool takes_profiles = !engine.implicit_batch && wanted != wanted_.end() && reused_.count(engine.name) == 0;
  if (!profiled_.insert(engine.name).second || !takes_profiles) return;
  if (wanted->second.fixed.empty() && wanted->second.ranges.empty()) {
    throw InvalidArgumentError("engine \"" + engine.name +
                               "\" runs with the min or opt shapes and not with the max shapes: the data decides "
                               "whether it runs; give sample data instead of shapes");
  }
  wanted->second.strategy = engine.profile_strategy;
  GetTfTrt().OpenCache(resources_, engine.name)->SetProfiles(wanted->second, engine.input_shapes);
}

void EngineBuild::Calibrate(const Callable& callable, const std::vector<Tensor>& inputs) {
  calibrating_ = true;
  // TF-TRT's kernel reads the values of what the profiles take for a shape, and may see other lengths here.
  table_.TakeCollected();
  Run(callable, inputs, EngineMode::kCollect);
  std::map<std::string, std::vector<CollectedInputs>> collected = table_.TakeCollected();
  for (const EngineNode& engine : engines_) {
    const auto seen = collected.find(engine.name);
    if (seen == collected.end()) continue;
    const auto wanted = wanted_.find(engine.name);
    if (wanted != wanted_.end()) wanted->second.calibration = std::move(seen->second);
    SetProfiles(engine);
  }
  Run(callable, inputs, EngineMode::kBuild);
}

void EngineBuild::EndCalibration(const EngineNode& engine, BuiltEngine& result) {
  std::vector<tensorflow::Tensor> table;
  const absl::Status status = session_.Run({}, {controls_.at(engine.name).calibration}, {}, &table);
  if (!status.ok()) {
    result.problem = "its calibration failed: " + CauseOf(status.message());
    return;
  }
  tables_[engine.name] = table[0].scalar<tensorflow::tstring>()();
}

std::vector<BuiltEngine> EngineBuild::Build(const EngineBuilder::Progress& progress) {
  for (const EngineNode& engine : engines_) SetProfiles(engine);
  std::map<std::string, BuiltEngine> results;
  for (const EngineNode& engine : engines_) results[engine.name].name = engine.name;

  BuildClock clock(results, engines_.size() - reused_.size(), progress);
  for (const EngineNode& engine : engines_) {
    if (!calibrating_ || !engine.calibrates || !IsReached(engine.name)) continue;
    clock.Begin(engine.name);
    EndCalibration(engine, results[engine.name]);
  }
  {
    const ObserverGuard guard(table_, [&clock](const std::string& engine) { clock.Begin(engine); });
    for (const Call& call : calls_) Run(*call.callable, call.inputs, EngineMode::kBuild);
  }
  clock.End();

  std::vector<BuiltEngine> list;
  for (const EngineNode& engine : engines_) {
    BuiltEngine& result = results[engine.name];
    const std::unique_ptr<EngineCache> cache = GetTfTrt().OpenCache(resources_, engine.name);
    cache->DropFailedBuilds();
    EnginePlans plans = cache->Plans(engine.implicit_batch);
    for (const auto& profile : plans.profiles) result.profiles.push_back(profile.shapes);
    result.static_shapes = plans.static_shapes;
    if (!IsReached(engine.name)) {
      result.problem = "no input that was given makes it run";
    } else if (result.problem.empty()) {
      result.problem = Missing(engine, plans, wanted_.at(engine.name));
    }
    result.built = result.problem.empty();
    result.reused = reused_.count(engine.name) != 0;
    table_.Get(engine.name).SetPlans(std::move(plans));
    list.push_back(std::move(result));
  }
  return list;
}

void EngineBuild::WriteEngines(const std::string& engine, const std::string& file) const {
  const EngineControls& controls = controls_.at(engine);
  ThrowIfError(session_.Run({{controls.file, StringTensor(file)}}, {}, {controls.serialize}, nullptr),
               "writing the engine \"" + engine + "\" to " + file);
}

}  // namespace tftrt
