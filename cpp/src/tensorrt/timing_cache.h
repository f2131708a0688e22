#ifndef TFTRT_TENSORRT_TIMING_CACHE_H_
#define TFTRT_TENSORRT_TIMING_CACHE_H_

#include <string>

namespace tftrt {

// TensorRT's timing cache as TF-TRT keeps it for the process: read before each build and written back after it. TF-TRT
// itself neither loads nor saves it. The bytes are valid for one GPU model and TensorRT version.

// Empty if nothing was built yet.
std::string GetTimingCache();

// Nothing is changed if `bytes` is empty.
void SetTimingCache(const std::string& bytes);

}  // namespace tftrt

#endif  // TFTRT_TENSORRT_TIMING_CACHE_H_
