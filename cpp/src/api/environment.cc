#include "tftrt/environment.h"

#include <filesystem>

#include "api/runtime_options.h"
#include "environment/cuda_libraries.h"
#include "environment/tensorflow_library.h"
#include "environment/tensorrt_library.h"
#include "tftrt/error.h"

namespace tftrt {

EnvironmentReport InspectEnvironment() {
  EnvironmentReport report;
  report.tensorflow = ReportTensorFlow(ConfiguredTensorFlowDir());
  const std::string tensorflow_dir = std::filesystem::path(report.tensorflow.path).parent_path().string();
  report.cuda = ReportCuda(tensorflow_dir);
  report.tensorrt = ReportTensorRt(ConfiguredTensorRtDir(), tensorflow_dir);
  report.gpus = ListGpus();
  return report;
}

GpuReport InspectGpu(int index) {
  const std::vector<GpuReport> gpus = ReportGpus();
  if (index >= 0 && static_cast<std::size_t>(index) < gpus.size()) return gpus[static_cast<std::size_t>(index)];
  throw IncompatibleError("there is no GPU " + std::to_string(index) + ": the driver shows " +
                          (gpus.empty() ? "none" : std::to_string(gpus.size()) + ", counted from 0") +
                          "; \"tftrt doctor\" says why");
}

std::string TensorRtVersion() { return OpenTensorRtVersion(); }

}  // namespace tftrt
