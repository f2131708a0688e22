#ifndef TFTRT_TENSORRT_TF_TRT_LAYOUT_H_
#define TFTRT_TENSORRT_TF_TRT_LAYOUT_H_

// TF-TRT's own objects as they lie in memory in TensorFlow 2.17. Its headers describe them too, but need TensorRT's,
// which no package that the build can reach has; only the layout of the standard library's types and of one struct of
// TensorRT (Dims) enters into them. tf_trt_engine_cache.cc checks what can be checked of it when it runs.
//
// Facts from tensorflow/compiler/tf2tensorrt/utils/{trt_lru_cache,trt_shape_optimization_profiles,trt_engine_utils}.h
// and convert/timing_cache.h.

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tensorflow/compiler/tf2tensorrt/common/datavec.h"
#include "tensorflow/core/framework/partial_tensor_shape.h"
#include "tensorflow/core/framework/resource_mgr.h"
#include "tensorflow/core/framework/tensor_shape.h"
#include "tensorflow/core/platform/mutex.h"

struct CUstream_st;

namespace tensorflow {
class OpKernelContext;
}

namespace nvinfer1 {

class ICudaEngine;
class IExecutionContext;

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
  // The index of the profile that takes these shapes; -1 if there is none.
  int GetProfileNumber(const std::vector<TensorShape>& shapes);

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

// A std::unique_ptr with a flag.
struct ExecutionContext {
  ExecutionContext(ExecutionContext&& other) noexcept
      : context(other.context), has_device_memory(other.has_device_memory) {
    other.context = nullptr;
  }
  ExecutionContext& operator=(ExecutionContext&&) = delete;
  ~ExecutionContext();

  static ExecutionContext Create(nvinfer1::ICudaEngine* engine);

  nvinfer1::IExecutionContext* context;
  bool has_device_memory;
};

struct EngineContext {
  mutex mu;
  nvinfer1::ICudaEngine* cuda_engine;                // null in the empty context that stands for a failed build
  std::vector<ExecutionContext> execution_contexts;  // one for each profile
  std::size_t device_memory_size;
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

  // Null if there is none.
  EngineContext* GetEngineContext(const std::vector<TensorShape>& input_shapes);  // implicit batch
  EngineContext* GetEngineContext(int profile);                                   // explicit batch

  void* allocator_;
  EngineLruCache cache_;
  void* calib_ctx_;
  TrtShapeOptimizationProfile profiles_;
};

// Each of these two takes the tensors from the context, or from the vector if that is null.
Status SetTrtEngineInputs(nvinfer1::ICudaEngine* engine, nvinfer1::IExecutionContext* execution, int profile,
                          std::vector<void*>& bindings, bool implicit_batch, int batch,
                          const TrtShapeOptimizationProfile& profiles, OpKernelContext* context, const DataVec* inputs);
Status GetTrtBindingIndex(const char* tensor, int profile, const nvinfer1::ICudaEngine* engine, int* index);
Status GetTrtBindingShape(const nvinfer1::ICudaEngine* engine, const nvinfer1::IExecutionContext* execution, int index,
                          bool implicit_batch, int batch, TensorShape& shape);
Status TrtEnqueue(nvinfer1::IExecutionContext* execution, std::vector<void*>& bindings, CUstream_st* stream,
                  bool implicit_batch, int batch);

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
