#ifndef TFTRT_DIRECT_SHAPED_EXECUTION_H_
#define TFTRT_DIRECT_SHAPED_EXECUTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engines/engine_source.h"
#include "engines/shape_key.h"
#include "tf/device_buffer.h"

namespace tftrt {

// Where a run reads an input or writes an output; null: an output that is not wanted. Host memory is pinned.
struct RunAddress {
  void* pointer = nullptr;
  bool on_host = true;
};

// In the engine's order.
struct RunAddresses {
  std::vector<RunAddress> inputs;
  std::vector<RunAddress> outputs;
};

struct EngineTypes {
  std::vector<tensorflow::DataType> inputs;
  std::vector<tensorflow::DataType> outputs;
};

// An execution context, ready for inputs of certain shapes, with places on the GPU for what comes from the host and
// goes there. Not thread-safe.
class ShapedExecution {
 public:
  explicit ShapedExecution(std::unique_ptr<EngineExecution> execution) : execution_(std::move(execution)) {}

  const EngineSlot& slot() const { return execution_->slot(); }
  std::size_t workspace_bytes() const { return execution_->workspace_bytes(); }

  // Of the shapes that are set, unique in the process. Graphs captured in an earlier one are not to be launched.
  std::uint64_t generation() const { return generation_; }
  void BeginGeneration();

  bool Has(const ShapeKey& key) const { return generation_ != 0 && key_ == key; }
  // No run may be under way.
  void SetShapes(const GpuDevice& gpu, const ShapeKey& key, const EngineTypes& types);

  const std::vector<Shape>& output_shapes() const { return output_shapes_; }
  const std::vector<std::size_t>& input_bytes() const { return input_bytes_; }
  const std::vector<std::size_t>& output_bytes() const { return output_bytes_; }

  // The address on the GPU, for callers that fill it on the run's stream.
  void* input(std::size_t i) const { return inputs_[i].data(); }
  // Likewise, for callers that read it there.
  void* output(std::size_t i) const { return outputs_[i].data(); }

  // Queues the copies and the run.
  void Queue(void* workspace, const RunAddresses& addresses, CudaStream stream);

  // Why no graph can be captured in this generation; empty as long as that is not known.
  std::string capture_problem;

 private:
  const std::unique_ptr<EngineExecution> execution_;
  ShapeKey key_;
  std::uint64_t generation_ = 0;
  std::vector<Shape> output_shapes_;
  std::vector<std::size_t> input_bytes_;
  std::vector<std::size_t> output_bytes_;
  std::vector<DeviceBuffer> inputs_;
  std::vector<DeviceBuffer> outputs_;
  std::vector<void*> input_addresses_;
  std::vector<void*> output_addresses_;
};

}  // namespace tftrt

#endif  // TFTRT_DIRECT_SHAPED_EXECUTION_H_
