#ifndef TFTRT_TENSORRT_TF_TRT_LAYOUT_H_
#define TFTRT_TENSORRT_TF_TRT_LAYOUT_H_

// TF-TRT's own objects as they lie in memory in TensorFlow 2.17. Its headers describe them too, but need TensorRT's,
// which no package that the build can reach has; only the layout of the standard library's types and of one struct of
// TensorRT (Dims) enters into them. engine_cache.cc checks what can be checked of it when it runs.
//
// Facts from tensorflow/compiler/tf2tensorrt/utils/{trt_lru_cache,trt_shape_optimization_profiles}.h and
// convert/timing_cache.h.

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tensorflow/core/framework/partial_tensor_shape.h"
#include "tensorflow/core/framework/resource_mgr.h"
#include "tensorflow/core/framework/tensor_shape.h"
#include "tensorflow/core/platform/mutex.h"

namespace nvinfer1 {

struct Dims32 {
  static constexpr int kMostDims = 8;
  std::int32_t nbDims;
  std::int32_t d[kMostDims];
};

}  // namespace nvinfer1

namespace tensorflow::tensorrt {

enum class ProfileStrategy { kRange, kOptimal, kRangeOptimal, kImplicitBatchModeCompatible };

// For n inputs: n shapes, then n shape values ({0, {}} for an input that is no shape).
struct OptimizationProfileConfig {
  std::vector<nvinfer1::Dims32> min;
  std::vector<nvinfer1::Dims32> opt;
  std::vector<nvinfer1::Dims32> max;
};

class TrtShapeOptimizationProfile {
 public:
  void InitProfiles(const std::vector<PartialTensorShape>& input_partial_shapes, ProfileStrategy strategy);
  int GetNumProfiles() const;

  std::vector<std::vector<TensorShape>> input_shapes_;
  std::vector<std::vector<nvinfer1::Dims32>> input_shape_values_;
  std::vector<nvinfer1::Dims32> actual_shape_values_;
  std::vector<OptimizationProfileConfig> profiles_;
  OptimizationProfileConfig calib_profiles_;
  std::vector<bool> input_mask_;
  bool has_shape_tensor_ = true;
  bool need_profiles_ = false;
  std::vector<bool> is_shape_tensor_;
  std::vector<bool> is_pruned_input_;
  ProfileStrategy strategy_;
};

struct EngineContext {
  mutex mu;
  void* cuda_engine;  // null in the empty context that stands for a failed build
};

struct TensorShapesHash {
  std::size_t operator()(const std::vector<TensorShape>& key) const;
};

struct EngineLruCache {
  // In place of a std::unique_ptr, which is laid out as the pointer: nothing here may delete a context.
  std::unordered_map<std::vector<TensorShape>, EngineContext*, TensorShapesHash> objects_;
  std::list<std::vector<TensorShape>> keys_;  // most recently added first
  std::size_t capacity_;
  EngineContext* not_found_value_;
};

class TRTEngineCacheResource : public ResourceBase {
 public:
  ~TRTEngineCacheResource() override;
  std::string DebugString() const override;

  void* allocator_;
  EngineLruCache cache_;
  void* calib_ctx_;
  TrtShapeOptimizationProfile profiles_;
};

namespace convert {

class TimingCacheRegistry {
 public:
  mutex mu_;
  std::unordered_map<std::string, std::vector<std::uint8_t>> map_;
};

TimingCacheRegistry* GetTimingCacheRegistry();

}  // namespace convert
}  // namespace tensorflow::tensorrt

#endif  // TFTRT_TENSORRT_TF_TRT_LAYOUT_H_
