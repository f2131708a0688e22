#include "direct/replayed_engine.h"

#include <utility>

#include "direct/instance_warming.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tf/tensor_conversion.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

void Copy(void* to, const void* from, std::size_t bytes, CudaStream stream) {
  CheckCuda(GetCuda().MemcpyAsync(to, from, bytes, kCudaMemcpyDeviceToDevice, stream), "copying on the GPU");
}

}  // namespace

ReplayedEngine::ReplayedEngine(const GpuDevice& gpu, std::unique_ptr<const EngineSource> source, EngineTypes types,
                               CudaGraphs cuda_graphs)
    : gpu_(gpu),
      places_{std::vector<bool>(types.inputs.size(), true), std::vector<bool>(types.outputs.size(), true)},
      instance_(gpu, std::move(source), std::move(types), {cuda_graphs, gpu.stream()}) {}

absl::Status ReplayedEngine::Run(tensorflow::OpKernelContext* context, const ShapeKey& key) {
  // TensorFlow's threads let no exception pass.
  try {
    Queue(context, key);
  } catch (const UnsupportedError& error) {
    return absl::UnimplementedError(error.what());
  } catch (const Error& error) {
    return absl::InternalError(error.what());
  }
  return context->status();
}

void ReplayedEngine::Warm(const EnginePlans& plans) {
  gpu_.MakeCurrent();
  WarmInstance(instance_, plans, /*on_gpu=*/true);
}

void ReplayedEngine::Queue(tensorflow::OpKernelContext* context, const ShapeKey& key) {
  gpu_.MakeCurrent();
  const auto [execution, staged_runs] = instance_.Prepare(key);
  StagedRun& staged = staged_runs.Take(gpu_, execution, places_, {});
  // Runs follow one another in the stream: the next may be queued at once.
  const std::unique_ptr<StagedRun, void (*)(StagedRun*)> taken(&staged, [](StagedRun* run) { run->Return(); });
  for (std::size_t i = 0; i < places_.inputs.size(); ++i) {
    Copy(execution.input(i), context->input(static_cast<int>(i)).data(), execution.input_bytes()[i],
         instance_.stream());
  }
  instance_.Queue(execution, *staged.run);
  for (std::size_t i = 0; i < places_.outputs.size(); ++i) {
    tensorflow::Tensor* output = nullptr;
    const absl::Status status =
        context->allocate_output(static_cast<int>(i), ToTensorFlow(execution.output_shapes()[i]), &output);
    if (!status.ok()) return context->SetStatus(status);
    if (output->NumElements() == 0) continue;
    Copy(output->data(), execution.output(i), execution.output_bytes()[i], instance_.stream());
  }
}

}  // namespace tftrt
