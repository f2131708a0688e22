#ifndef TFTRT_DIRECT_INSTANCE_WARMING_H_
#define TFTRT_DIRECT_INSTANCE_WARMING_H_

#include "direct/engine_instance.h"
#include "engines/engine_plans.h"

namespace tftrt {

// Runs the engines of `plans` on zeros, each profile on the shapes that it is tuned for, so that later runs are as fast
// as any whose inputs and outputs are all on the GPU, or all on the host. For engines whose inputs' values do not
// matter. To be called as EngineInstance is.
void WarmInstance(EngineInstance& instance, const EnginePlans& plans, bool on_gpu);

}  // namespace tftrt

#endif  // TFTRT_DIRECT_INSTANCE_WARMING_H_
