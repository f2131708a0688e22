#ifndef TFTRT_DIRECT_CUDA_GRAPH_H_
#define TFTRT_DIRECT_CUDA_GRAPH_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "gpu/cuda.h"
#include "gpu/memory_counters.h"

namespace tftrt {

// Work that was captured from a stream and is launched as a whole. What it reads and writes has to outlive it.
class CudaGraphRun {
 public:
  CudaGraphRun() = default;
  CudaGraphRun(const CudaGraphRun&) = delete;
  CudaGraphRun& operator=(const CudaGraphRun&) = delete;
  ~CudaGraphRun() { Reset(); }

  bool captured() const { return executable_ != nullptr; }

  // Captures what `queue` puts into `stream`; nothing of it runs. Returns why that cannot be; empty if it was done. It
  // is counted in `counters` as long as it is there.
  std::string Capture(CudaStream stream, const std::shared_ptr<MemoryCounters>& counters,
                      const std::function<void()>& queue);

  void Launch(CudaStream stream) const { CheckCuda(GetCuda().GraphLaunch(executable_, stream), "launching a graph"); }

  // To be called when no launch is under way.
  void Reset();

 private:
  CudaGraphExec executable_ = nullptr;
  CountedUse number_;
  CountedUse bytes_;
};

}  // namespace tftrt

#endif  // TFTRT_DIRECT_CUDA_GRAPH_H_
