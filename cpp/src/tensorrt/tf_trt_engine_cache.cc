#include "tensorrt/tf_trt_engine_cache.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "tensorrt/engine_execution.h"
#include "tensorrt/tf_trt_layout.h"
#include "tf/shape_conversion.h"
#include "tftrt/error.h"

namespace tensorflow {

// TensorFlow's library has it: the type's identity is a matter of that library.
extern template Status ResourceMgr::Lookup<tensorrt::TRTEngineCacheResource, false>(
    const std::string& container, const std::string& name, tensorrt::TRTEngineCacheResource** resource) const;

}  // namespace tensorflow

namespace tftrt {
namespace {

using nvinfer1::Dims32;
using tensorflow::PartialTensorShape;
using tensorflow::TensorShape;
using tensorflow::tensorrt::OptimizationProfileConfig;
using tensorflow::tensorrt::ProfileStrategy;
using tensorflow::tensorrt::TRTEngineCacheResource;
using tensorflow::tensorrt::TrtShapeOptimizationProfile;

constexpr char kContainer[] = "TF-TRT";

TRTEngineCacheResource* LookUp(tensorflow::ResourceMgr& resources, const std::string& name) {
  TRTEngineCacheResource* resource = nullptr;
  return resources.Lookup<TRTEngineCacheResource, false>(kContainer, name, &resource).ok() ? resource : nullptr;
}

ProfileStrategy ParseStrategy(const std::string& name) {
  if (name == "Range") return ProfileStrategy::kRange;
  if (name == "Optimal") return ProfileStrategy::kOptimal;
  if (name == "Range+Optimal") return ProfileStrategy::kRangeOptimal;
  if (name == "ImplicitBatchModeCompatible") return ProfileStrategy::kImplicitBatchModeCompatible;
  throw InvalidArgumentError("profile_strategy is \"" + name +
                             R"("; expected "Range", "Optimal", "Range+Optimal" or "ImplicitBatchModeCompatible")");
}

Dims32 ToDims(const Shape& shape) {
  if (shape.size() > Dims32::kMostDims) {
    throw UnsupportedError("an engine's input has the shape " + ToString(shape) +
                           ", but TensorRT takes at most 8 dimensions");
  }
  Dims32 dims = {static_cast<std::int32_t>(shape.size()), {}};
  for (std::size_t i = 0; i < shape.size(); ++i) dims.d[i] = static_cast<std::int32_t>(shape[i]);
  return dims;
}

Shape ToShape(const Dims32& dims) { return Shape(dims.d, dims.d + std::clamp(dims.nbDims, 0, Dims32::kMostDims)); }

// Shapes, then values.
std::vector<Dims32> ToDims(const CollectedInputs& inputs) {
  std::vector<Dims32> dims;
  for (const Shape& shape : inputs.shapes) dims.push_back(ToDims(shape));
  for (const Shape& values : inputs.values) dims.push_back(ToDims(values));
  return dims;
}

void CheckSameRanks(const CollectedInputs& first, const CollectedInputs& other) {
  bool same = first.shapes.size() == other.shapes.size();
  for (std::size_t i = 0; same && i < first.shapes.size(); ++i) {
    same = first.shapes[i].size() == other.shapes[i].size();
  }
  if (!same)
    throw InvalidArgumentError("the number of dimensions of an engine's inputs changes between the shapes given");
}

std::vector<CollectedInputs*> AllOf(WantedProfiles& wanted) {
  std::vector<CollectedInputs*> all;
  for (CollectedInputs& inputs : wanted.fixed) all.push_back(&inputs);
  for (WantedProfiles::Range& range : wanted.ranges) {
    for (CollectedInputs* inputs : {&range.min, &range.opt, &range.max}) all.push_back(inputs);
  }
  for (CollectedInputs& inputs : wanted.calibration) all.push_back(&inputs);
  return all;
}

// A vector whose length changes is data, for a shape has one length. With its values, TF-TRT would end the process.
void DropValuesOfData(const std::vector<CollectedInputs*>& all) {
  const CollectedInputs& first = *all.front();
  for (std::size_t i = 0; i < first.values.size(); ++i) {
    const bool same = std::all_of(all.begin(), all.end(), [&](const CollectedInputs* inputs) {
      return inputs->values[i].size() == first.values[i].size();
    });
    if (same) continue;
    for (CollectedInputs* inputs : all) inputs->values[i].clear();
  }
}

void Fill(TrtShapeOptimizationProfile& profiles, WantedProfiles wanted,
          const std::vector<PartialTensorShape>& input_shapes) {
  if (wanted.fixed.empty() && wanted.ranges.empty()) throw InternalError("an engine is to be built for no shapes");
  const std::vector<CollectedInputs*> all = AllOf(wanted);
  for (const CollectedInputs* inputs : all) CheckSameRanks(*all.front(), *inputs);
  DropValuesOfData(all);
  profiles.input_shapes_.clear();
  profiles.input_shape_values_.clear();
  profiles.profiles_.clear();
  profiles.is_shape_tensor_.clear();
  for (const CollectedInputs& inputs : wanted.fixed) {
    std::vector<TensorShape> shapes;
    for (const Shape& shape : inputs.shapes) shapes.push_back(ToTensorFlow(shape));
    std::vector<Dims32> values;
    for (const Shape& value : inputs.values) values.push_back(ToDims(value));
    profiles.input_shapes_.push_back(std::move(shapes));
    profiles.input_shape_values_.push_back(std::move(values));
  }
  const CollectedInputs& any = wanted.fixed.empty() ? wanted.ranges.at(0).opt : wanted.fixed.front();
  for (const Shape& value : any.values) profiles.is_shape_tensor_.push_back(!value.empty());
  profiles.InitProfiles(input_shapes, ParseStrategy(wanted.strategy));
  for (const WantedProfiles::Range& range : wanted.ranges) {
    profiles.profiles_.push_back({ToDims(range.min), ToDims(range.opt), ToDims(range.max)});
    // With a single profile, Optimal would make a network of fixed shapes.
    profiles.strategy_ = ProfileStrategy::kRange;
  }
}

EnginePlans::ProfileWithValues ToProfile(const OptimizationProfileConfig& config) {
  EnginePlans::ProfileWithValues profile;
  const std::size_t inputs = config.min.size() / 2;
  for (std::size_t i = 0; i < inputs; ++i) {
    profile.shapes.min.push_back(ToShape(config.min[i]));
    profile.shapes.opt.push_back(ToShape(config.opt[i]));
    profile.shapes.max.push_back(ToShape(config.max[i]));
    profile.min_values.push_back(ToShape(config.min[inputs + i]));
    profile.max_values.push_back(ToShape(config.max[inputs + i]));
  }
  return profile;
}

// Pinned to TensorFlow's minor version, the layout cannot change silently; this tells if it did.
void CheckLayout(const TrtShapeOptimizationProfile& profiles) {
  if (static_cast<std::size_t>(profiles.GetNumProfiles()) == profiles.profiles_.size()) return;
  throw InternalError("TensorFlow keeps its engines otherwise than TensorFlow 2.17.1 does; please report this");
}

// A share of the resource, for the cache and for what runs its engines.
struct SharedResource {
  explicit SharedResource(TRTEngineCacheResource* taken) : cache(taken) {}
  tensorflow::core::RefCountPtr<TRTEngineCacheResource> cache;
};

class TfTrtEngineCache final : public EngineCache {
 public:
  explicit TfTrtEngineCache(TRTEngineCacheResource* taken) : resource_(std::make_shared<SharedResource>(taken)) {}

  EnginePlans Plans(bool implicit_batch) const override;
  std::optional<EngineSlot> Slot(const std::vector<Shape>& shapes, bool implicit_batch) const override;
  std::unique_ptr<EngineExecution> Execution(const EngineSlot& slot, bool implicit_batch, std::size_t outputs,
                                             bool another) const override;
  void SetProfiles(const WantedProfiles& wanted, const std::vector<PartialTensorShape>& input_shapes) override;
  int DropFailedBuilds() override;

 private:
  const std::shared_ptr<SharedResource> resource_;
};

EnginePlans TfTrtEngineCache::Plans(bool implicit_batch) const {
  const TRTEngineCacheResource& cache = *resource_->cache;
  CheckLayout(cache.profiles_);
  EnginePlans plans;
  plans.implicit_batch = implicit_batch;
  for (const auto& [shapes, context] : cache.cache_.objects_) {
    if (context == nullptr || context->cuda_engine == nullptr) continue;
    std::vector<Shape> engine;
    for (const TensorShape& shape : shapes) engine.push_back(FromTensorFlow(shape));
    if (implicit_batch) {
      plans.static_shapes.push_back(std::move(engine));
    } else if (cache.profiles_.need_profiles_) {
      for (const OptimizationProfileConfig& config : cache.profiles_.profiles_) {
        plans.profiles.push_back(ToProfile(config));
      }
    } else {
      // All shapes are fixed, so there are no profiles.
      EnginePlans::ProfileWithValues& profile = plans.profiles.emplace_back();
      profile.shapes = {engine, engine, engine};
      profile.min_values.resize(engine.size());
      profile.max_values.resize(engine.size());
    }
  }
  std::sort(plans.static_shapes.begin(), plans.static_shapes.end());
  if (!plans.profiles.empty() && cache.profiles_.has_shape_tensor_) {
    for (std::size_t i = 0; i < cache.profiles_.is_shape_tensor_.size(); ++i) {
      if (cache.profiles_.is_shape_tensor_[i]) plans.shape_inputs.push_back(i);
    }
  }
  return plans;
}

std::optional<EngineSlot> TfTrtEngineCache::Slot(const std::vector<Shape>& shapes, bool implicit_batch) const {
  TRTEngineCacheResource& cache = *resource_->cache;
  std::vector<TensorShape> tensor_shapes;
  for (const Shape& shape : shapes) tensor_shapes.push_back(ToTensorFlow(shape));
  const int profile = implicit_batch ? 0 : cache.profiles_.GetProfileNumber(tensor_shapes);
  if (profile < 0) return std::nullopt;
  tensorflow::tensorrt::EngineContext* engine =
      implicit_batch ? cache.GetEngineContext(tensor_shapes) : cache.GetEngineContext(profile);
  if (engine == nullptr || engine->cuda_engine == nullptr) return std::nullopt;
  if (static_cast<std::size_t>(profile) >= engine->execution_contexts.size()) {
    throw InternalError("TensorFlow has " + std::to_string(engine->execution_contexts.size()) +
                        " execution contexts for " + std::to_string(cache.profiles_.GetNumProfiles()) + " profiles");
  }
  return EngineSlot{engine, profile};
}

std::unique_ptr<EngineExecution> TfTrtEngineCache::Execution(const EngineSlot& slot, bool implicit_batch,
                                                             std::size_t outputs, bool another) const {
  return std::make_unique<TensorRtExecution>(std::shared_ptr<const void>(resource_), slot, resource_->cache->profiles_,
                                             implicit_batch, outputs, another);
}

void TfTrtEngineCache::SetProfiles(const WantedProfiles& wanted, const std::vector<PartialTensorShape>& input_shapes) {
  CheckLayout(resource_->cache->profiles_);
  Fill(resource_->cache->profiles_, wanted, input_shapes);
  CheckLayout(resource_->cache->profiles_);
}

int TfTrtEngineCache::DropFailedBuilds() {
  auto& cache = resource_->cache->cache_;
  int dropped = 0;
  for (auto entry = cache.objects_.begin(); entry != cache.objects_.end();) {
    if (entry->second != nullptr && entry->second->cuda_engine != nullptr) {
      ++entry;
      continue;
    }
    // The empty context itself is leaked, a few bytes for each failed build.
    cache.keys_.remove(entry->first);
    entry = cache.objects_.erase(entry);
    ++dropped;
  }
  return dropped;
}

}  // namespace

std::unique_ptr<EngineCache> FindTfTrtEngineCache(tensorflow::ResourceMgr& resources, const std::string& name) {
  TRTEngineCacheResource* resource = LookUp(resources, name);
  return resource == nullptr ? nullptr : std::make_unique<TfTrtEngineCache>(resource);
}

std::vector<EnginePlans::ProfileWithValues> MakeTfTrtProfiles(const WantedProfiles& wanted,
                                                              const std::vector<PartialTensorShape>& input_shapes) {
  TrtShapeOptimizationProfile profiles;
  Fill(profiles, wanted, input_shapes);
  CheckLayout(profiles);
  std::vector<EnginePlans::ProfileWithValues> result;
  for (const OptimizationProfileConfig& config : profiles.profiles_) result.push_back(ToProfile(config));
  return result;
}

}  // namespace tftrt
