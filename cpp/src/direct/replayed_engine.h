#ifndef TFTRT_DIRECT_REPLAYED_ENGINE_H_
#define TFTRT_DIRECT_REPLAYED_ENGINE_H_

#include <memory>

#include "direct/engine_instance.h"
#include "engines/engine_replay.h"

namespace tftrt {

// An engine inside a graph that TensorFlow runs, launched as a CUDA graph in TensorFlow's stream. TensorFlow's tensors
// lie elsewhere at each run: they are copied to and from memory that stays where it is, on the GPU.
class ReplayedEngine final : public EngineReplay {
 public:
  ReplayedEngine(const GpuDevice& gpu, std::unique_ptr<const EngineSource> source, EngineTypes types,
                 CudaGraphs cuda_graphs);

  absl::Status Run(tensorflow::OpKernelContext* context, const ShapeKey& key) override;
  void Warm(const EnginePlans& plans) override;

 private:
  void Queue(tensorflow::OpKernelContext* context, const ShapeKey& key);

  const GpuDevice& gpu_;
  const StagedPlaces places_;
  EngineInstance instance_;
};

}  // namespace tftrt

#endif  // TFTRT_DIRECT_REPLAYED_ENGINE_H_
