#include "environment/tensorrt_library.h"

#include <algorithm>
#include <exception>
#include <filesystem>

#include "environment/exists.h"
#include "environment/shared_library.h"

namespace tftrt {
namespace {

namespace fs = std::filesystem;

// What TensorFlow 2.17 asks for, and what TensorRT's packages are named.
constexpr char kNameInTensorFlow[] = ".so.8.6.1";
constexpr char kNameInTensorRt[] = ".so.8";

constexpr int kLowestVersion = 8600;
constexpr int kHighestVersion = 8699;

using LibraryVersionFunction = int();

bool IsIn(const fs::path& file, const fs::path& directory) {
  std::error_code error;
  return fs::equivalent(file.parent_path(), directory, error) ||
         fs::equivalent(file.parent_path(), directory / "lib", error);
}

// Folders of the tarball, such as /usr/local/TensorRT-8.6.1.6/lib, newest first.
std::vector<fs::path> TarballDirectories() {
  std::vector<fs::path> directories;
  for (const char* parent : {"/usr/local", "/opt"}) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(parent, error)) {
      if (entry.path().filename().string().rfind("TensorRT-8.6", 0) == 0) directories.push_back(entry.path() / "lib");
    }
  }
  std::sort(directories.rbegin(), directories.rend());
  directories.emplace_back("/usr/local/tensorrt/lib");
  return directories;
}

// Folders that hold TensorRT although the loader does not look there.
std::vector<fs::path> UsualDirectories(const std::string& tensorflow_dir) {
  std::vector<fs::path> directories;
  if (!tensorflow_dir.empty()) {
    const fs::path site_packages = fs::path(tensorflow_dir).parent_path();
    directories = {site_packages / "tensorrt_libs", site_packages / "tensorrt"};
  }
  for (fs::path& directory : TarballDirectories()) directories.push_back(std::move(directory));
  return directories;
}

// "8.6.0" of 8600
std::string VersionText(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version / 100 % 10) + "." +
         std::to_string(version % 100);
}

// One of the two libraries, wherever and under whatever name it is.
class Finder {
 public:
  Finder(std::string base, const std::optional<std::string>& directory, const std::string& tensorflow_dir)
      : base_(std::move(base)), directory_(directory), tensorflow_dir_(tensorflow_dir) {}

  // `preferred`: a folder to look into before the usual ones; may be empty.
  SharedLibrary Find(const fs::path& preferred) {
    if (SharedLibrary loaded = FindLoaded()) return loaded;
    if (!problem_.empty()) return {};
    if (directory_) return InDirectories({*directory_, fs::path(*directory_) / "lib"});
    if (SharedLibrary library = InDirectories({preferred})) return library;
    if (SharedLibrary library = OnLoaderPath()) return library;
    return InDirectories(UsualDirectories(tensorflow_dir_));
  }

  // Why Find found nothing.
  std::string Problem() const {
    if (!problem_.empty()) return problem_;
    if (directory_) {
      return "there is no " + base_ + kNameInTensorRt + " in " + *directory_ +
             ", the folder set by tensorrt_dir or TFTRT_TENSORRT_DIR" + OtherVersion();
    }
    return "no " + base_ + kNameInTensorRt + " on the loader's search path, beside TensorFlow or in the usual folders" +
           OtherVersion();
  }

 private:
  SharedLibrary FindLoaded() {
    for (const char* suffix : {kNameInTensorRt, kNameInTensorFlow}) {
      SharedLibrary library = FindLoadedLibrary(base_ + suffix);
      if (!library) continue;
      const std::string path = PathOfLibrary(library);
      if (!directory_ || IsIn(path, *directory_)) return library;
      problem_ = "this process already has " + path + ", so it cannot use the one in " + *directory_ +
                 ", the folder set by tensorrt_dir or TFTRT_TENSORRT_DIR. Set it before TensorRT is first used";
      return {};
    }
    return {};
  }

  SharedLibrary OnLoaderPath() {
    for (const char* suffix : {kNameInTensorFlow, kNameInTensorRt}) {
      const std::string name = base_ + suffix;
      SharedLibrary library = OpenLibrary(name);
      if (library) return library;
      // An error about the name itself is that there is no such file; any other is about what the file needs.
      if (library.error.rfind(name + ":", 0) != 0) Note(name, library.error);
    }
    return {};
  }

  SharedLibrary InDirectories(const std::vector<fs::path>& directories) {
    for (const fs::path& directory : directories) {
      for (const char* suffix : {kNameInTensorRt, kNameInTensorFlow}) {
        const fs::path path = directory / (base_ + suffix);
        if (directory.empty() || !Exists(path)) continue;
        SharedLibrary library = OpenLibrary(path.string());
        if (library) return library;
        Note(path.string(), library.error);
      }
    }
    return {};
  }

  // The first reason is the one to mend.
  void Note(const std::string& what, const std::string& error) {
    if (problem_.empty()) problem_ = what + " cannot be opened: " + error;
  }

  std::string OtherVersion() const {
    std::vector<fs::path> directories = UsualDirectories(tensorflow_dir_);
    if (directory_) directories = {*directory_, fs::path(*directory_) / "lib"};
    for (const std::string& directory : LoaderDirectories()) directories.emplace_back(directory);
    for (const fs::path& directory : directories) {
      for (const char* suffix : {".so.11", ".so.10", ".so.9", ".so.7"}) {
        const fs::path path = directory / (base_ + suffix);
        if (Exists(path)) return "; " + path.string() + " is another version, and TensorFlow 2.17 needs TensorRT 8.6";
      }
    }
    return "";
  }

  const std::string base_;
  const std::optional<std::string>& directory_;
  const std::string& tensorflow_dir_;
  std::string problem_;
};

LibraryReport Report(const std::string& base, const SharedLibrary& library, const Finder& finder) {
  LibraryReport report;
  report.name = base + kNameInTensorRt;
  report.found = static_cast<bool>(library);
  report.path = PathOfLibrary(library);
  if (!library) report.detail = finder.Problem();
  return report;
}

void CheckVersion(const SharedLibrary& library, LibraryReport& report) {
  const auto version = FindFunction<LibraryVersionFunction>(library, "getInferLibVersion");
  if (version == nullptr) {
    report.detail = report.path + " does not export getInferLibVersion, so it is not TensorRT's";
    return;
  }
  const int number = version();
  report.version = VersionText(number);
  if (number < kLowestVersion || number > kHighestVersion) {
    report.detail = report.path + " is TensorRT " + report.version +
                    ", but TensorFlow 2.17 needs 8.6; install that, and set TFTRT_TENSORRT_DIR to its folder";
  }
}

std::vector<LibraryReport> Search(const std::optional<std::string>& directory, const std::string& tensorflow_dir) {
  OpenTensorRtDependencies(tensorflow_dir);

  Finder infer_finder("libnvinfer", directory, tensorflow_dir);
  const SharedLibrary infer = infer_finder.Find("");
  LibraryReport infer_report = Report("libnvinfer", infer, infer_finder);
  if (infer) CheckVersion(infer, infer_report);

  Finder plugin_finder("libnvinfer_plugin", directory, tensorflow_dir);
  const SharedLibrary plugin = plugin_finder.Find(fs::path(infer_report.path).parent_path());
  LibraryReport plugin_report = Report("libnvinfer_plugin", plugin, plugin_finder);
  if (plugin) plugin_report.version = infer_report.version;
  return {infer_report, plugin_report};
}

// Opens the shim that answers TensorFlow's name for `base`, unless what is loaded already does. It is not looked for
// by name: that could open a second TensorRT beside the one that was chosen. Returns why it could not.
std::string AnswerTensorFlow(const std::string& base) {
  const std::string name = base + kNameInTensorFlow;
  if (FindLoadedLibrary(name)) return "";
  const std::string shim = OwnDirectory() + "/tensorrt_shims/" + name;
  const SharedLibrary library = OpenLibrary(shim);
  if (library) return "";
  return "cannot open " + shim + ", which belongs to tftrt: " + library.error;
}

}  // namespace

std::string OpenTensorRt(const std::optional<std::string>& directory, const std::string& tensorflow_dir) {
  try {
    for (const LibraryReport& report : Search(directory, tensorflow_dir)) {
      if (!report.detail.empty()) return report.detail;
    }
    const std::string problem = AnswerTensorFlow("libnvinfer");
    return problem.empty() ? AnswerTensorFlow("libnvinfer_plugin") : problem;
  } catch (const std::exception& error) {
    return std::string("looking for TensorRT failed: ") + error.what();
  }
}

std::string OpenTensorRtVersion() {
  for (const char* suffix : {kNameInTensorRt, kNameInTensorFlow}) {
    const SharedLibrary library = FindLoadedLibrary(std::string("libnvinfer") + suffix);
    const auto version = FindFunction<LibraryVersionFunction>(library, "getInferLibVersion");
    if (version != nullptr) return VersionText(version());
  }
  return "";
}

std::vector<LibraryReport> ReportTensorRt(const std::optional<std::string>& directory,
                                          const std::string& tensorflow_dir) {
  return Search(directory, tensorflow_dir);
}

}  // namespace tftrt
