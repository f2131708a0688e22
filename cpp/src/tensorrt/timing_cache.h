#ifndef TFTRT_TENSORRT_TIMING_CACHE_H_
#define TFTRT_TENSORRT_TIMING_CACHE_H_

#include <string>

namespace tftrt {

// See TfTrt.
std::string GetTimingCache();
void SetTimingCache(const std::string& bytes);

}  // namespace tftrt

#endif  // TFTRT_TENSORRT_TIMING_CACHE_H_
