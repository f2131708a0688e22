#include "runtime/session_options.h"

#include <optional>
#include <vector>

#include "api/device_name.h"
#include "runtime/executor_choice.h"
#include "tensorflow/core/framework/device_factory.h"
#include "tensorflow/core/protobuf/config.pb.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

int CountGpus() {
  tensorflow::DeviceFactory* factory = tensorflow::DeviceFactory::GetFactory("GPU");
  std::vector<std::string> devices;
  if (factory == nullptr || !factory->ListPhysicalDevices(&devices).ok()) return 0;
  return static_cast<int>(devices.size());
}

}  // namespace

Placement ResolveDevice(const std::string& device) {
  if (device == "cpu") return {};
  if (device == "auto") return {CountGpus() > 0, 0};
  const std::optional<int> index = GpuIndex(device);
  if (!index) throw InvalidArgumentError("device is \"" + device + "\"; expected \"auto\", \"cpu\" or \"gpu:N\"");
  const int gpus = CountGpus();
  if (*index >= gpus) {
    throw IncompatibleError("device is \"" + device + "\", but TensorFlow finds " +
                            (gpus == 0 ? "no GPU" : std::to_string(gpus) + " GPUs, counted from 0,") +
                            " on this machine; \"tftrt doctor\" says why, device = \"cpu\" runs the model without");
  }
  return {true, *index};
}

tensorflow::SessionOptions MakeSessionOptions(const ModelOptions& options, const ResolvedRuntimeOptions& runtime,
                                              const Placement& placement, bool single_threaded,
                                              const tensorflow::GraphOptions& graph) {
  tensorflow::SessionOptions session;
  tensorflow::ConfigProto& config = session.config;
  config.set_allow_soft_placement(true);
  config.set_intra_op_parallelism_threads(runtime.intra_op_threads);
  config.set_inter_op_parallelism_threads(runtime.inter_op_threads);
  if (options.inter_op_threads > 0)
    config.add_session_inter_op_thread_pool()->set_num_threads(options.inter_op_threads);
  if (single_threaded) config.mutable_experimental()->set_executor_type(kSingleThreadedExecutor);
  *config.mutable_graph_options() = graph;
  // The graph is final: TensorFlow need not keep what would let it grow.
  config.mutable_experimental()->set_optimize_for_static_graph(true);
  config.mutable_experimental()->set_disable_output_partition_graphs(true);

  if (!placement.gpu) {
    (*config.mutable_device_count())["GPU"] = 0;
    return session;
  }
  tensorflow::GPUOptions& gpu = *config.mutable_gpu_options();
  gpu.set_allow_growth(runtime.gpu_memory_growth);
  // Copies that TensorFlow makes itself are ordered by its one stream, instead of by events that it polls for.
  auto& merge = *gpu.mutable_experimental()->mutable_stream_merge_options();
  merge.set_merge_host_to_device_stream(true);
  merge.set_merge_device_to_host_stream(true);
  merge.set_merge_device_to_device_stream(true);
  if (runtime.gpu_memory_limit_mb > 0) {
    // The only way to state a limit in bytes is as a virtual device on each GPU.
    for (int i = 0; i < CountGpus(); ++i) {
      gpu.mutable_experimental()->add_virtual_devices()->add_memory_limit_mb(
          static_cast<float>(runtime.gpu_memory_limit_mb));
    }
  }
  return session;
}

}  // namespace tftrt
