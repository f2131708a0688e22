#ifndef TFTRT_DIRECT_REPEATED_RUN_H_
#define TFTRT_DIRECT_REPEATED_RUN_H_

#include <cstdint>
#include <utility>

#include "direct/cuda_graph.h"
#include "direct/shaped_execution.h"
#include "gpu/cuda_event.h"

namespace tftrt {

// A run between addresses that stay the same, of one EngineInstance, which launches it as a graph from its second time
// on. One at a time: it is queued again only when it is over. Made with the GPU made current.
class RepeatedRun {
 public:
  explicit RepeatedRun(RunAddresses addresses) : addresses_(std::move(addresses)) {}

  const RunAddresses& addresses() const { return addresses_; }

  // What was queued last, its copies too, and what its user recorded since.
  const CudaEventOwner& over() const { return over_; }

 private:
  friend class EngineInstance;

  const RunAddresses addresses_;
  const CudaEventOwner over_;
  std::uint64_t queued_generation_ = 0;
  std::uint64_t captured_generation_ = 0;
  CudaGraphRun graph_;
};

}  // namespace tftrt

#endif  // TFTRT_DIRECT_REPEATED_RUN_H_
