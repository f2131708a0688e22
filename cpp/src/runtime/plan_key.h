#ifndef TFTRT_RUNTIME_PLAN_KEY_H_
#define TFTRT_RUNTIME_PLAN_KEY_H_

#include <string>

#include "engines/engine_cache.h"
#include "tensorflow/core/framework/function.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tftrt/environment.h"

namespace tftrt {

// What all plans of a build depend on.
struct PlanPlatform {
  GpuReport gpu;
  std::string tensorrt;
  int optimization_level = -1;
};

// A sum of all that the plans of a TRTEngineOp depend on; two nodes of the same key may share them.
// `node`: with its options and calibration table, if it has one. `functions`: its segment, and what that calls.
// `wanted`: its strategy does not matter, the node has it.
std::string PlanKey(const tensorflow::NodeDef& node, const tensorflow::FunctionDefLibrary& functions,
                    const WantedProfiles& wanted, const PlanPlatform& platform);

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_PLAN_KEY_H_
