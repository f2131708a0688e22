#ifndef TFTRT_TENSORRT_OPTIMIZATION_LEVEL_H_
#define TFTRT_TENSORRT_OPTIMIZATION_LEVEL_H_

namespace tftrt {

// See TfTrt.
void SetOptimizationLevel(int level);

}  // namespace tftrt

#endif  // TFTRT_TENSORRT_OPTIMIZATION_LEVEL_H_
