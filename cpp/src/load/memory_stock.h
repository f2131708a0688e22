#ifndef TFTRT_LOAD_MEMORY_STOCK_H_
#define TFTRT_LOAD_MEMORY_STOCK_H_

#include <cstdint>
#include <string>

#include "tf/gpu_device.h"
#include "tftrt/stats.h"

namespace tftrt {

// Notes what memory grows by while a model is loaded, from the time that this is made. Not thread-safe until
// EndLoading().
class MemoryStock {
 public:
  MemoryStock();

  // Of a file that is read.
  void AddPlan(const std::string& file);

  // Nothing of the model's is on the GPU yet.
  void BeginRestoring(const GpuDevice& gpu);

  // `gpu` may be null.
  void EndLoading(const GpuDevice* gpu);
  ModelMemory Now(const GpuDevice* gpu) const;

 private:
  std::int64_t resident_before_ = 0;
  std::int64_t pool_before_ = 0;
  ModelMemory loaded_;
};

}  // namespace tftrt

#endif  // TFTRT_LOAD_MEMORY_STOCK_H_
