#ifndef TFTRT_DIRECT_DIRECT_CALLABLE_H_
#define TFTRT_DIRECT_DIRECT_CALLABLE_H_

#include <memory>
#include <utility>
#include <vector>

#include "api/backend.h"
#include "direct/checks_beside.h"
#include "direct/direct_signature.h"
#include "direct/instance_pool.h"
#include "engines/engine_record.h"

namespace tftrt {

// An engine that is run without TensorFlow's session. Shared by the callables of a model; lives no longer than its
// session.
struct DirectEngine {
  DirectEngine(const GpuDevice& engine_gpu, EngineRecord& engine_record,
               std::vector<std::unique_ptr<EngineInstance>> engine_instances)
      : gpu(engine_gpu), record(engine_record), instances(std::move(engine_instances)) {}

  // Runs each instance on zeros.
  void Warm();

  const GpuDevice& gpu;
  EngineRecord& record;
  InstancePool instances;
};

// Runs a signature that is one engine on that engine, and on `otherwise` what no engine takes. `outputs`: indices into
// the signature's outputs. `checks`: of the inputs, for these outputs; may be null.
std::unique_ptr<Callable> MakeDirectCallable(std::shared_ptr<DirectEngine> engine, const DirectSignature& signature,
                                             const std::vector<std::size_t>& outputs,
                                             std::unique_ptr<Callable> otherwise, std::unique_ptr<ChecksBeside> checks);

}  // namespace tftrt

#endif  // TFTRT_DIRECT_DIRECT_CALLABLE_H_
