#ifndef TFTRT_ENGINES_TF_TRT_H_
#define TFTRT_ENGINES_TF_TRT_H_

#include <memory>
#include <string>
#include <vector>

#include "engines/engine_cache.h"
#include "tensorflow/core/framework/resource_mgr.h"

namespace tftrt {

// TF-TRT's functions and objects inside TensorFlow, as libtftrt_tensorrt.so offers them to libtftrt_runtime.so. They
// are a library of their own because a TensorFlow for CPUs, such as tensorflow-cpu's, does not have them.
class TfTrt {
 public:
  virtual ~TfTrt() = default;

  // Engines of the node with this name; null if TF-TRT keeps none.
  virtual std::unique_ptr<EngineCache> FindCache(tensorflow::ResourceMgr& resources, const std::string& name) = 0;

  // TF-TRT's arithmetic for `wanted`, on its own. Throws InvalidArgumentError for a strategy that TF-TRT does not know
  // or inputs whose rank changes.
  virtual std::vector<EnginePlans::ProfileWithValues> MakeProfiles(
      const WantedProfiles& wanted, const std::vector<tensorflow::PartialTensorShape>& input_shapes) = 0;

  // TensorRT's timing cache as TF-TRT keeps it for the process: read before each build and written back after it.
  // TF-TRT itself neither loads nor saves it. The bytes are valid for one GPU model and TensorRT version; empty if
  // nothing was built yet.
  virtual std::string GetTimingCache() = 0;
  // Nothing is changed if `bytes` is empty.
  virtual void SetTimingCache(const std::string& bytes) = 0;

  // The optimization level of all engines that this process builds from now on, 0 to 5; -1: TensorRT's own. Throws
  // UnsupportedError if that cannot be set, because TensorRT was not opened by tftrt.
  virtual void SetOptimizationLevel(int level) = 0;

  // As FindCache, but throws InternalError if TF-TRT keeps no engines for the node.
  std::unique_ptr<EngineCache> OpenCache(tensorflow::ResourceMgr& resources, const std::string& name);
};

// Has GetTfTrt return `tf_trt`, or if it is null throw `problem`. Once, before models are loaded.
void SetTfTrt(TfTrt* tf_trt, const std::string& problem);

// Throws IncompatibleError if this process has none: there is no GPU, or TensorFlow was built without TF-TRT.
TfTrt& GetTfTrt();

// Why GetTfTrt would throw; empty if it would not.
std::string TfTrtProblem();

}  // namespace tftrt

#endif  // TFTRT_ENGINES_TF_TRT_H_
