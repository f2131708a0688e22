#include "environment/cuda_libraries.h"

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "environment/exists.h"
#include "environment/shared_library.h"

namespace tftrt {
namespace {

namespace fs = std::filesystem;

constexpr char kDriverLibrary[] = "libcuda.so.1";
constexpr int kOldestDriver = 12000;
constexpr int kSuccess = 0;

// From cuda.h and library_types.h, which the build does not need.
constexpr int kComputeCapabilityMajor = 75;
constexpr int kComputeCapabilityMinor = 76;
constexpr int kMajorVersion = 0;
constexpr int kMinorVersion = 1;
constexpr int kPatchLevel = 2;

using VersionFunction = int(int* version);               // cudaRuntimeGetVersion, cuDriverGetVersion
using PropertyFunction = int(int property, int* value);  // cublasGetProperty and its like

struct CudaLibrary {
  const char* name;
  const char* package;   // pip puts it into site-packages/nvidia/<package>/lib
  const char* version;   // a VersionFunction; null if it has none
  const char* property;  // a PropertyFunction; null if it has none
};

constexpr CudaLibrary kRuntime = {"libcudart.so.12", "cuda_runtime", "cudaRuntimeGetVersion", nullptr};
constexpr CudaLibrary kCublasLt = {"libcublasLt.so.12", "cublas", nullptr, "cublasLtGetProperty"};
constexpr CudaLibrary kCublas = {"libcublas.so.12", "cublas", nullptr, "cublasGetProperty"};
constexpr CudaLibrary kCudnn = {"libcudnn.so.8", "cudnn", nullptr, "cudnnGetProperty"};
constexpr CudaLibrary kNvrtc = {"libnvrtc.so.12", "cuda_nvrtc", nullptr, nullptr};

// Without any one of these TensorFlow 2.17 uses no GPU.
constexpr CudaLibrary kNeededByTensorFlow[] = {
    kRuntime,
    kCublas,
    kCublasLt,
    {"libcufft.so.11", "cufft", nullptr, "cufftGetProperty"},
    {"libcusolver.so.11", "cusolver", nullptr, "cusolverGetProperty"},
    {"libcusparse.so.12", "cusparse", nullptr, "cusparseGetProperty"},
    kCudnn,
};

constexpr CudaLibrary kNeededByTensorRt[] = {kRuntime, kNvrtc, kCublasLt, kCublas, kCudnn};

bool IsOnLibraryPath(const char* name) {
  const char* value = std::getenv("LD_LIBRARY_PATH");
  std::istringstream directories(value == nullptr ? "" : value);
  for (std::string directory; std::getline(directories, directory, ':');) {
    if (!directory.empty() && Exists(fs::path(directory) / name)) return true;
  }
  return false;
}

// In TensorFlow's order, so that both get the same file: LD_LIBRARY_PATH, the folders that TensorFlow's RUNPATH names
// (pip's, beside it), the loader's cache.
SharedLibrary Open(const CudaLibrary& wanted, const std::string& tensorflow_dir) {
  if (SharedLibrary loaded = FindLoadedLibrary(wanted.name)) return loaded;
  const fs::path path = fs::path(tensorflow_dir).parent_path() / "nvidia" / wanted.package / "lib" / wanted.name;
  const bool beside_tensorflow = !tensorflow_dir.empty() && Exists(path);
  if (beside_tensorflow && !IsOnLibraryPath(wanted.name)) return OpenLibrary(path.string());
  SharedLibrary library = OpenLibrary(wanted.name);
  // The loader knows LD_LIBRARY_PATH as it was when the process began.
  if (!library && beside_tensorflow) library = OpenLibrary(path.string());
  return library;
}

// "12.3" of 12030
std::string CudaVersion(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string VersionOf(const SharedLibrary& library, const CudaLibrary& wanted) {
  if (wanted.version != nullptr) {
    const auto function = FindFunction<VersionFunction>(library, wanted.version);
    int version = 0;
    return function != nullptr && function(&version) == kSuccess ? CudaVersion(version) : "";
  }
  if (wanted.property == nullptr) return "";
  const auto function = FindFunction<PropertyFunction>(library, wanted.property);
  int major = 0;
  int minor = 0;
  int patch = 0;
  if (function == nullptr || function(kMajorVersion, &major) != kSuccess ||
      function(kMinorVersion, &minor) != kSuccess || function(kPatchLevel, &patch) != kSuccess) {
    return "";
  }
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

LibraryReport Report(const CudaLibrary& wanted, const SharedLibrary& library) {
  LibraryReport report;
  report.name = wanted.name;
  report.found = static_cast<bool>(library);
  report.path = PathOfLibrary(library);
  report.version = VersionOf(library, wanted);
  report.detail = library.error;
  return report;
}

// The part of the driver's interface that finds GPUs.
class Driver {
 public:
  Driver() : library_(OpenLibrary(kDriverLibrary)) {}

  const SharedLibrary& library() const { return library_; }

  // Empty if the driver is ready.
  std::string Init() const {
    const auto init = FindFunction<int(unsigned flags)>(library_, "cuInit");
    if (init == nullptr) return library_ ? "it has no function cuInit" : library_.error;
    const int status = init(0);
    return status == kSuccess ? "" : "it cannot be used: cuInit gave " + ErrorName(status);
  }

  int DeviceCount() const {
    const auto get_count = FindFunction<int(int*)>(library_, "cuDeviceGetCount");
    int count = 0;
    return get_count != nullptr && get_count(&count) == kSuccess ? count : 0;
  }

  GpuReport Describe(int index) const {
    GpuReport report;
    report.name = "unknown GPU";
    const auto get_device = FindFunction<int(int*, int)>(library_, "cuDeviceGet");
    const auto get_name = FindFunction<int(char*, int, int)>(library_, "cuDeviceGetName");
    const auto get_attribute = FindFunction<int(int*, int, int)>(library_, "cuDeviceGetAttribute");
    if (get_device == nullptr || get_name == nullptr || get_attribute == nullptr) return report;
    int device = 0;
    char name[256] = "unknown GPU";
    int major = 0;
    int minor = 0;
    if (get_device(&device, index) != kSuccess) return report;
    get_name(name, sizeof(name), device);
    get_attribute(&major, kComputeCapabilityMajor, device);
    get_attribute(&minor, kComputeCapabilityMinor, device);
    report.name = name;
    report.compute_capability = std::to_string(major) + "." + std::to_string(minor);
    report.driver = Version();
    return report;
  }

 private:
  std::string Version() const {
    const SharedLibrary management = OpenLibrary("libnvidia-ml.so.1");
    const auto init = FindFunction<int()>(management, "nvmlInit_v2");
    const auto shut_down = FindFunction<int()>(management, "nvmlShutdown");
    const auto get_driver = FindFunction<int(char*, unsigned)>(management, "nvmlSystemGetDriverVersion");
    if (init != nullptr && shut_down != nullptr && get_driver != nullptr && init() == kSuccess) {
      char version[80] = "";
      const int status = get_driver(version, sizeof(version));
      shut_down();
      if (status == kSuccess) return version;
    }
    const auto get_cuda = FindFunction<VersionFunction>(library_, "cuDriverGetVersion");
    int version = 0;
    return get_cuda != nullptr && get_cuda(&version) == kSuccess ? "CUDA " + CudaVersion(version) : "";
  }

  std::string ErrorName(int status) const {
    const auto get_name = FindFunction<int(int, const char**)>(library_, "cuGetErrorName");
    const char* name = nullptr;
    if (get_name != nullptr && get_name(status, &name) == kSuccess && name != nullptr) return name;
    return "error " + std::to_string(status);
  }

  SharedLibrary library_;
};

LibraryReport ReportDriver() {
  const Driver driver;
  LibraryReport report = Report({kDriverLibrary, "", "cuDriverGetVersion", nullptr}, driver.library());
  if (!report.found) return report;
  const auto get_version = FindFunction<VersionFunction>(driver.library(), "cuDriverGetVersion");
  int version = 0;
  if (get_version != nullptr && get_version(&version) == kSuccess && version < kOldestDriver) {
    report.detail = "the driver supports CUDA " + CudaVersion(version) + ", but TensorFlow 2.17 needs CUDA 12; " +
                    "install driver 525.60 or newer";
  } else {
    report.detail = driver.Init();
  }
  return report;
}

}  // namespace

std::vector<LibraryReport> ReportCuda(const std::string& tensorflow_dir) {
  std::vector<LibraryReport> reports = {ReportDriver()};
  for (const CudaLibrary& wanted : kNeededByTensorFlow) reports.push_back(Report(wanted, Open(wanted, tensorflow_dir)));
  return reports;
}

std::vector<std::string> ListGpus() {
  std::vector<std::string> gpus;
  for (const GpuReport& gpu : ReportGpus()) {
    gpus.push_back(gpu.name +
                   (gpu.compute_capability.empty() ? "" : " (compute capability " + gpu.compute_capability + ")"));
  }
  return gpus;
}

std::vector<GpuReport> ReportGpus() {
  const Driver driver;
  if (!driver.Init().empty()) return {};
  std::vector<GpuReport> gpus;
  for (int i = 0; i < driver.DeviceCount(); ++i) gpus.push_back(driver.Describe(i));
  return gpus;
}

void OpenTensorRtDependencies(const std::string& tensorflow_dir) {
  for (const CudaLibrary& wanted : kNeededByTensorRt) Open(wanted, tensorflow_dir);
}

}  // namespace tftrt
