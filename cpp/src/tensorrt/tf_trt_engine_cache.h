#ifndef TFTRT_TENSORRT_TF_TRT_ENGINE_CACHE_H_
#define TFTRT_TENSORRT_TF_TRT_ENGINE_CACHE_H_

#include <memory>
#include <string>
#include <vector>

#include "engines/engine_cache.h"
#include "tensorflow/core/framework/resource_mgr.h"

namespace tftrt {

// Null if TF-TRT keeps no engines for the node with this name.
std::unique_ptr<EngineCache> FindTfTrtEngineCache(tensorflow::ResourceMgr& resources, const std::string& name);

// See TfTrt::MakeProfiles.
std::vector<EnginePlans::ProfileWithValues> MakeTfTrtProfiles(
    const WantedProfiles& wanted, const std::vector<tensorflow::PartialTensorShape>& input_shapes);

}  // namespace tftrt

#endif  // TFTRT_TENSORRT_TF_TRT_ENGINE_CACHE_H_
