#ifndef TFTRT_TENSORRT_OPTIMIZATION_LEVEL_H_
#define TFTRT_TENSORRT_OPTIMIZATION_LEVEL_H_

namespace tftrt {

// The optimization level of all engines that this process builds from now on, 0 to 5; -1: TensorRT's own. Throws
// UnsupportedError if that cannot be set, because TensorRT was not opened by tftrt.
void SetOptimizationLevel(int level);

}  // namespace tftrt

#endif  // TFTRT_TENSORRT_OPTIMIZATION_LEVEL_H_
