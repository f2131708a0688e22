#include "tftrt/environment.h"

#include <filesystem>

#include "api/runtime_options.h"
#include "environment/cuda_libraries.h"
#include "environment/tensorflow_library.h"
#include "environment/tensorrt_library.h"

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

}  // namespace tftrt
