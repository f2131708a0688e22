#include "environment/tensorflow_library.h"

#include <filesystem>
#include <fstream>
#include <mutex>
#include <regex>
#include <vector>

#include "environment/open_failure.h"
#include "environment/shared_library.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

namespace fs = std::filesystem;

constexpr char kCcLibrary[] = "libtensorflow_cc.so.2";
constexpr char kFrameworkLibrary[] = "libtensorflow_framework.so.2";
constexpr char kBuiltWith[] = TFTRT_BUILT_WITH_TENSORFLOW;

#ifdef TFTRT_BUILD_TENSORFLOW_DIR
constexpr char kBuildDirectory[] = TFTRT_BUILD_TENSORFLOW_DIR;
#else
constexpr char kBuildDirectory[] = "";
#endif

struct Hint {
  std::mutex mutex;
  std::string directory;
};

Hint& TheHint() {
  static Hint hint;
  return hint;
}

std::string HintDirectory() {
  Hint& hint = TheHint();
  const std::lock_guard lock(hint.mutex);
  return hint.directory;
}

// "2.17" of "2.17.1"
std::string MinorVersion(const std::string& version) {
  return version.substr(0, version.find('.', version.find('.') + 1));
}

std::string InstallCommand() {
  const std::string minor = MinorVersion(kBuiltWith);
  return "pip install 'tensorflow==" + minor + ".*'";
}

bool HoldsTensorFlow(const fs::path& directory) {
  std::error_code error;
  return !directory.empty() && fs::exists(directory / kCcLibrary, error);
}

bool SameDirectory(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return fs::equivalent(a, b, error);
}

// Absolute, without ".." and a slash at the end: CUDA and TensorRT are looked for in its parent_path().
std::string NormalDirectory(const fs::path& directory) {
  std::error_code error;
  const fs::path normal = fs::absolute(directory, error).lexically_normal();
  return (normal.has_filename() ? normal : normal.parent_path()).string();
}

std::vector<fs::path> Candidates() {
  const fs::path own = OwnDirectory();
  // Its own folder first: a bundle uses what it brings, whatever lies around it.
  std::vector<fs::path> candidates = {own, own / ".." / ".." / "tensorflow", own / ".." / "tensorflow", HintDirectory(),
                                      kBuildDirectory};
  for (const std::string& directory : LoaderDirectories()) candidates.emplace_back(directory);
  candidates.emplace_back("/usr/local/lib");
  return candidates;
}

std::string GivenTensorFlow(const std::string& directory, const std::string& loaded) {
  if (!HoldsTensorFlow(directory)) {
    throw IncompatibleError(
        "there is no " + std::string(kCcLibrary) + " in " + directory +
        ", the folder set by tensorflow_dir or TFTRT_TENSORFLOW_DIR. Point it at the package folder of "
        "TensorFlow " +
        MinorVersion(kBuiltWith) + ", such as .../site-packages/tensorflow, or unset it");
  }
  if (!loaded.empty() && !SameDirectory(directory, loaded)) {
    throw IncompatibleError("this process already has TensorFlow from " + loaded + ", so it cannot use the one in " +
                            directory +
                            ", the folder set by tensorflow_dir or TFTRT_TENSORFLOW_DIR. Unset it, or open tftrt "
                            "before the other TensorFlow");
  }
  return NormalDirectory(directory);
}

std::string FromVersionHeader(const fs::path& directory) {
  std::ifstream file(directory / "include" / "tensorflow" / "core" / "public" / "version.h");
  const std::regex define(R"(#define TF_(?:MAJOR|MINOR|PATCH)_VERSION (\d+).*)");
  std::string version;
  std::smatch match;
  for (std::string line; std::getline(file, line);) {
    if (std::regex_match(line, match, define)) version += (version.empty() ? "" : ".") + match[1].str();
  }
  return version;
}

std::string FromPackageMetadata(const fs::path& directory) {
  const std::regex name(R"(tensorflow(?:_cpu)?-(\d+\.\d+[^-]*)\.dist-info)");
  std::error_code error;
  std::smatch match;
  for (const auto& entry : fs::directory_iterator((directory / "..").lexically_normal(), error)) {
    const std::string file = entry.path().filename().string();
    if (std::regex_match(file, match, name)) return match[1];
  }
  return "";
}

// Read from the files beside the libraries; empty if they do not tell.
std::string InstalledVersion(const fs::path& directory) {
  const std::string version = FromVersionHeader(directory);
  return version.empty() ? FromPackageMetadata(directory) : version;
}

std::string VersionProblem(const std::string& version, const std::string& directory) {
  if (MinorVersion(version) == MinorVersion(kBuiltWith)) return "";
  return "tftrt was built with TensorFlow " + std::string(kBuiltWith) + ", but " + directory + " holds TensorFlow " +
         version + ". Install the one it was built with (" + InstallCommand() + ") or build tftrt again with this one";
}

void CheckVersion(const std::string& version, const std::string& directory) {
  const std::string problem = VersionProblem(version, directory);
  if (!problem.empty()) throw IncompatibleError(problem);
}

// Whether libtensorflow_cc's own request for the framework, which looks into LD_LIBRARY_PATH before its own folder,
// may be answered with a copy that is not in `directory`.
bool FindsAnotherFramework(const fs::path& directory) {
  for (const std::string& candidate : LoaderDirectories()) {
    std::error_code error;
    const fs::path found = fs::path(candidate) / kFrameworkLibrary;
    if (!fs::exists(found, error)) continue;
    return !fs::equivalent(found, directory / kFrameworkLibrary, error);
  }
  return false;
}

SharedLibrary OpenOrThrow(const fs::path& path) {
  SharedLibrary library = OpenLibrary(path.string());
  if (!library) {
    ThrowOpenFailure(
        "TensorFlow's " + path.string(), library.error,
        "Reinstall it: pip install --force-reinstall --no-deps 'tensorflow==" + std::string(kBuiltWith) + "'");
  }
  return library;
}

}  // namespace

void SetTensorFlowHint(const std::string& directory) {
  Hint& hint = TheHint();
  const std::lock_guard lock(hint.mutex);
  hint.directory = directory;
}

std::string LoadedTensorFlow() {
  for (const char* name : {kCcLibrary, kFrameworkLibrary}) {
    if (const SharedLibrary library = FindLoadedLibrary(name)) {
      // TensorFlow's Python opens it as tensorflow/python/platform/../../libtensorflow_cc.so.2.
      return NormalDirectory(fs::path(PathOfLibrary(library)).parent_path());
    }
  }
  return "";
}

std::string FindTensorFlow(const std::optional<std::string>& directory) {
  std::string loaded = LoadedTensorFlow();
  if (directory) return GivenTensorFlow(*directory, loaded);
  if (!loaded.empty()) return loaded;
  std::string looked;
  for (const fs::path& candidate : Candidates()) {
    if (candidate.empty()) continue;
    const std::string normal = NormalDirectory(candidate);
    if (HoldsTensorFlow(candidate)) return normal;
    looked += (looked.empty() ? "" : ", ") + normal;
  }
  throw IncompatibleError("TensorFlow " + MinorVersion(kBuiltWith) + " was not found: no " + kCcLibrary + " in " +
                          looked + ". Install it (" + InstallCommand() +
                          "), or set TFTRT_TENSORFLOW_DIR to the folder that holds it");
}

SharedLibrary OpenTensorFlowLibraries(const std::string& directory) {
  // Before opening: another version would stay in the process, and may print.
  const std::string installed = InstalledVersion(directory);
  if (!installed.empty()) CheckVersion(installed, directory);

  // Both libraries define some 1300 objects alike. Opened as one, all references to them go to the same definition, as
  // under TensorFlow's own Python; one after the other, each would use its own, and XLA finds no GPU then. But two
  // copies of TensorFlow in a process are worse.
  if (FindsAnotherFramework(directory)) OpenOrThrow(fs::path(directory) / kFrameworkLibrary);
  const SharedLibrary library = OpenOrThrow(fs::path(directory) / kCcLibrary);
  const auto version = FindFunction<const char*()>(library, "TF_Version");
  if (version == nullptr) {
    throw IncompatibleError(directory + "/" + kCcLibrary +
                            " does not export TF_Version, so it is not TensorFlow's. "
                            "Reinstall it: " +
                            InstallCommand());
  }
  CheckVersion(version(), directory);
  return library;
}

LibraryReport ReportTensorFlow(const std::optional<std::string>& directory) {
  LibraryReport report;
  report.name = kCcLibrary;
  try {
    const std::string found = FindTensorFlow(directory);
    report.found = true;
    report.path = found + "/" + kCcLibrary;
    report.version = InstalledVersion(found);
    if (!report.version.empty()) report.detail = VersionProblem(report.version, found);
  } catch (const Error& error) {
    report.detail = error.what();
  }
  return report;
}

}  // namespace tftrt
