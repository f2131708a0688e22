// Finding and opening TensorFlow, TensorRT and CUDA. Whatever a process opens stays open, so each test that opens a
// library does it in a child process.

#include "tftrt/environment.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "environment/cuda_libraries.h"
#include "environment/open_failure.h"
#include "environment/private_log.h"
#include "environment/shared_library.h"
#include "environment/tensorflow_library.h"
#include "environment/tensorrt_library.h"
#include "testing.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

namespace fs = std::filesystem;

const std::string kFakes = TFTRT_TEST_FAKES_DIR;

template <typename Function>
std::string IncompatibleMessage(Function function) {
  return MessageOf<IncompatibleError>(function);
}

int VersionThroughTensorFlowsName() {
  const SharedLibrary library = OpenLibrary("libnvinfer.so.8.6.1");
  EXPECT_TRUE(library) << library.error;
  const auto version = FindFunction<int()>(library, "getInferLibVersion");
  return version == nullptr ? -1 : version();
}

TEST(SharedLibrary, MissingLibraryGivesTheLoadersError) {
  const SharedLibrary library = OpenLibrary("libtftrt_no_such_library.so");
  EXPECT_FALSE(library);
  ExpectContains(library.error, "libtftrt_no_such_library.so");
  EXPECT_EQ(FindSymbol(library, "anything"), nullptr);
  EXPECT_EQ(PathOfLibrary(library), "");
}

TEST(SharedLibrary, FindLoadedLibraryOpensNothing) {
  InChild([] {
    const std::string path = kFakes + "/tensorrt_8600/libnvinfer.so.8";
    EXPECT_FALSE(FindLoadedLibrary(path));
    EXPECT_TRUE(OpenLibrary(path));
    EXPECT_EQ(PathOfLibrary(FindLoadedLibrary("libnvinfer.so.8")), path);
  });
}

TEST(SharedLibrary, OwnDirectoryIsAbsolute) { EXPECT_TRUE(fs::path(OwnDirectory()).is_absolute()); }

TEST(SharedLibrary, LoaderDirectoriesHoldTheSystems) { EXPECT_FALSE(LoaderDirectories().empty()); }

// The log level of a library that its own functions see, after SetPrivateLogLevel.
int LogLevelAfterSetting(const std::string& path, int level) {
  const SharedLibrary library = OpenLibrary(path);
  EXPECT_TRUE(library) << library.error;
  SetPrivateLogLevel(library, level);
  return FindFunction<int()>(library, "TftrtTestLogLevel")();
}

TEST(PrivateLog, LevelIsSetWhereNoFunctionSetsIt) {
  InChild([] {
    const std::string path = kFakes + "/tensorflow_2.18.0/libtensorflow_cc.so.2";
    EXPECT_EQ(LogLevelAfterSetting(path, 3), 3);
    EXPECT_EQ(LogLevelAfterSetting(path, 1), 1);
  });
}

TEST(PrivateLog, LibrariesWithoutSymbolsStayAsTheyAre) {
  InChild([] {
    const TemporaryFolder folder;
    const fs::path stripped = folder.path() / "libtensorflow_framework.so.2";
    const std::string source = kFakes + "/tensorflow_2.18.0/libtensorflow_framework.so.2";
    ASSERT_EQ(std::system(("strip --strip-all -o '" + stripped.string() + "' '" + source + "'").c_str()), 0);
    EXPECT_EQ(LogLevelAfterSetting(stripped.string(), 3), 0);
    SetPrivateLogLevel(OpenLibrary("libc.so.6"), 3);
  });
}

TEST(PrivateLog, AnotherFileInTheLibrarysPlaceIsNotBelieved) {
  InChild([] {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "libtensorflow_framework.so.2";
    fs::copy_file(kFakes + "/tensorflow_2.18.0/libtensorflow_framework.so.2", path);
    const SharedLibrary library = OpenLibrary(path.string());
    fs::remove(path);
    fs::copy_file(kFakes + "/tensorrt_8600/libnvinfer.so.8", path);
    SetPrivateLogLevel(library, 3);
    EXPECT_EQ(FindFunction<int()>(library, "TftrtTestLogLevel")(), 0);
    fs::remove(path);
    SetPrivateLogLevel(library, 3);
    EXPECT_EQ(FindFunction<int()>(library, "TftrtTestLogLevel")(), 0);
  });
}

TEST(TensorFlowLibrary, GivenFolderWithoutItIsAnError) {
  const TemporaryFolder folder;
  const std::string message = IncompatibleMessage([&] { FindTensorFlow(folder.path().string()); });
  ExpectContains(message, folder.path().string());
  ExpectContains(message, "libtensorflow_cc.so.2");
}

TEST(TensorFlowLibrary, TooLittleAddressSpaceIsNoBrokenInstallation) {
  InChild([] {
    const std::string error = "libx.so: failed to map segment from shared object";
    ExpectContains(MessageOf<ResourceExhaustedError>([&] { ThrowOpenFailure("libx.so", error, "Reinstall it"); }),
                   "no memory left");
    rlimit limit = {};
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = 40000ull << 20;
    setrlimit(RLIMIT_AS, &limit);
    ExpectContains(MessageOf<ResourceExhaustedError>([&] { ThrowOpenFailure("libx.so", error, "Reinstall it"); }),
                   "this process may use 40000 MiB of address space");
  });
  EXPECT_EQ(IncompatibleMessage([] { ThrowOpenFailure("libx.so", "libx.so: invalid ELF header", "Reinstall it"); }),
            "cannot open libx.so: libx.so: invalid ELF header. Reinstall it");
  EXPECT_FALSE(IsOutOfMemory("failed to map segment from shared object: Operation not permitted"));
}

TEST(TensorFlowLibrary, HintIsUsed) {
  InChild([] {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "libtensorflow_cc.so.2");
    SetTensorFlowHint(folder.path().string());
    EXPECT_EQ(FindTensorFlow(std::nullopt), folder.path().string());
  });
}

TEST(TensorFlowLibrary, FolderIsGivenBackWithoutDotsAndSlashAtTheEnd) {
  const TemporaryFolder site_packages;
  const fs::path package = site_packages.path() / "tensorflow";
  fs::create_directories(package / "python");
  std::ofstream(package / "libtensorflow_cc.so.2");
  EXPECT_EQ(FindTensorFlow(package.string() + "/"), package.string());
  EXPECT_EQ(FindTensorFlow((package / "python" / "..").string()), package.string());
  InChild([&] {
    fs::current_path(package);
    EXPECT_EQ(FindTensorFlow("."), package.string());
  });
}

TEST(TensorFlowLibrary, WhatTheProcessHasByDotsIsItsFolder) {
  InChild([] {
    const TemporaryFolder folder;
    fs::copy(kFakes + "/tensorflow_2.18.0", folder.path());
    fs::create_directory(folder.path() / "python");
    ASSERT_TRUE(OpenLibrary((folder.path() / "python" / ".." / "libtensorflow_framework.so.2").string()));
    EXPECT_EQ(LoadedTensorFlow(), folder.path().string());
  });
}

TEST(TensorFlowLibrary, WhatTheProcessHasComesFirstAndAnotherIsRefused) {
  InChild([] {
    const std::string loaded = kFakes + "/tensorflow_2.18.0";
    ASSERT_TRUE(OpenLibrary(loaded + "/libtensorflow_cc.so.2"));
    EXPECT_EQ(FindTensorFlow(std::nullopt), loaded);
    EXPECT_EQ(FindTensorFlow(loaded), loaded);
    const TemporaryFolder other;
    std::ofstream(other.path() / "libtensorflow_cc.so.2");
    ExpectContains(IncompatibleMessage([&] { FindTensorFlow(other.path().string()); }),
                   "already has TensorFlow from " + loaded);
  });
}

TEST(TensorFlowLibrary, AnotherMinorVersionIsRefusedInOneSentence) {
  InChild([] {
    const std::string message = IncompatibleMessage([] { OpenTensorFlowLibraries(kFakes + "/tensorflow_2.18.0"); });
    ExpectContains(message, "was built with TensorFlow " TFTRT_BUILT_WITH_TENSORFLOW);
    ExpectContains(message, "holds TensorFlow 2.18.0");
    ExpectContains(message, "pip install");
  });
}

TEST(TensorFlowLibrary, WhatBothLibrariesDefineIsOneThing) {
  InChild([] {
    const std::string folder = kFakes + "/tensorflow_2.18.0";
    IncompatibleMessage([&] { OpenTensorFlowLibraries(folder); });
    const auto address = [&](const std::string& library) -> const int* {
      const SharedLibrary opened = FindLoadedLibrary(folder + "/libtensorflow_" + library + ".so.2");
      const auto function = FindFunction<const int*()>(opened, ("AddressIn_" + library).c_str());
      return function == nullptr ? nullptr : function();
    };
    ASSERT_NE(address("cc"), nullptr);
    EXPECT_EQ(address("cc"), address("framework"));
  });
}

TEST(TensorFlowLibrary, VersionInTheFilesIsCheckedBeforeOpening) {
  InChild([] {
    const TemporaryFolder site_packages;
    const fs::path package = site_packages.path() / "tensorflow";
    fs::create_directory(package);
    fs::create_directory(site_packages.path() / "tensorflow-2.16.2.dist-info");
    std::ofstream(package / "libtensorflow_cc.so.2");
    ExpectContains(IncompatibleMessage([&] { OpenTensorFlowLibraries(package.string()); }), "holds TensorFlow 2.16.2");

    const LibraryReport report = ReportTensorFlow(package.string());
    EXPECT_TRUE(report.found);
    EXPECT_EQ(report.version, "2.16.2");
    ExpectContains(report.detail, "was built with");
  });
}

TEST(TensorFlowLibrary, DamagedLibraryIsAnError) {
  InChild([] {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "libtensorflow_cc.so.2") << "not a library";
    std::ofstream(folder.path() / "libtensorflow_framework.so.2") << "not a library";
    ExpectContains(IncompatibleMessage([&] { OpenTensorFlowLibraries(folder.path().string()); }), "cannot open");
  });
}

TEST(TensorRtLibrary, AnswersTensorFlowsNameThroughTheShim) {
  for (const auto& [folder, version] : {std::pair{"tensorrt_8600", 8600}, std::pair{"tensorrt_8601", 8601}}) {
    InChild([folder = folder, version = version] {
      EXPECT_EQ(OpenTensorRt(kFakes + "/" + folder, ""), "");
      EXPECT_EQ(VersionThroughTensorFlowsName(), version);
      EXPECT_NE(FindSymbol(OpenLibrary("libnvinfer_plugin.so.8.6.1"), "initLibNvInferPlugins"), nullptr);
      EXPECT_EQ(OpenTensorRt(kFakes + "/" + folder, ""), "");
    });
  }
}

TEST(TensorRtLibrary, FindsPipsFoldersBesideTensorFlow) {
  for (const char* package : {"tensorrt_libs", "tensorrt"}) {
    InChild([package] {
      const TemporaryFolder site_packages;
      fs::create_directory(site_packages.path() / "tensorflow");
      fs::copy(kFakes + "/tensorrt_8600", site_packages.path() / package);
      const std::string tensorflow_dir = (site_packages.path() / "tensorflow").string();
      EXPECT_EQ(OpenTensorRt(std::nullopt, tensorflow_dir), "");
      EXPECT_EQ(VersionThroughTensorFlowsName(), 8600);
      const auto reports = ReportTensorRt(std::nullopt, tensorflow_dir);
      ASSERT_EQ(reports.size(), 2u);
      for (const LibraryReport& report : reports) {
        EXPECT_TRUE(report.found);
        EXPECT_EQ(report.version, "8.6.0");
        EXPECT_EQ(report.detail, "");
        EXPECT_EQ(fs::path(report.path).parent_path(), site_packages.path() / package);
      }
    });
  }
}

TEST(TensorRtLibrary, LibFolderOfATarballIsFound) {
  InChild([] {
    const TemporaryFolder tarball;
    fs::copy(kFakes + "/tensorrt_8600", tarball.path() / "lib");
    EXPECT_EQ(OpenTensorRt(tarball.path().string(), ""), "");
  });
}

TEST(TensorRtLibrary, AnotherVersionIsReported) {
  InChild([] {
    const std::string problem = OpenTensorRt(kFakes + "/tensorrt_8502", "");
    ExpectContains(problem, "TensorRT 8.5.2");
    ExpectContains(problem, "needs 8.6");
    EXPECT_FALSE(OpenLibrary("libnvinfer.so.8.6.1"));
  });
}

TEST(TensorRtLibrary, AnotherMajorVersionIsNamed) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "libnvinfer.so.10");
  ExpectContains(OpenTensorRt(folder.path().string(), ""), "libnvinfer.so.10 is another version");
}

TEST(TensorRtLibrary, MissingOrUnusablePluginIsReported) {
  InChild([] { ExpectContains(OpenTensorRt(kFakes + "/tensorrt_without_plugin", ""), "libnvinfer_plugin.so.8"); });
  InChild([] {
    const TemporaryFolder folder;
    fs::copy(kFakes + "/tensorrt_8600/libnvinfer.so.8", folder.path());
    std::ofstream(folder.path() / "libnvinfer_plugin.so.8") << "not a library";
    ExpectContains(OpenTensorRt(folder.path().string(), ""), "libnvinfer_plugin.so.8 cannot be opened");
  });
}

TEST(TensorRtLibrary, GivenFolderThatIsNotWhatTheProcessHasIsReported) {
  InChild([] {
    ASSERT_EQ(OpenTensorRt(kFakes + "/tensorrt_8600", ""), "");
    ExpectContains(OpenTensorRt(kFakes + "/tensorrt_8601", ""), "already has");
  });
}

TEST(TensorRtLibrary, NoTensorRtIsReported) {
  const TemporaryFolder folder;
  ExpectContains(OpenTensorRt(folder.path().string(), ""), "there is no libnvinfer.so.8 in " + folder.path().string());
}

TEST(CudaLibraries, ReportNamesWhatTensorFlowNeeds) {
  const auto reports = ReportCuda("");
  ASSERT_EQ(reports.size(), 8u);
  EXPECT_EQ(reports[0].name, "libcuda.so.1");
  for (const LibraryReport& report : reports) {
    EXPECT_EQ(report.found, !report.path.empty()) << report.name;
    EXPECT_TRUE(report.found || !report.detail.empty()) << report.name;
  }
}

TEST(CudaLibraries, LibrariesBesideTensorFlowAreFound) {
  InChild([] {
    const TemporaryFolder site_packages;
    const fs::path package = site_packages.path() / "nvidia" / "cudnn" / "lib";
    fs::create_directories(package);
    fs::copy(kFakes + "/tensorrt_8600/libnvinfer.so.8", package / "libcudnn.so.8");
    EXPECT_EQ(ReportCuda((site_packages.path() / "tensorflow").string()).back().path,
              (package / "libcudnn.so.8").string());
  });
}

TEST(CudaLibraries, LibraryPathThatTheLoaderDoesNotKnowIsNotTrusted) {
  InChild([] {
    if (OpenLibrary("libcudnn.so.8")) GTEST_SKIP() << "this machine has cuDNN";
    const TemporaryFolder site_packages;
    const fs::path package = site_packages.path() / "nvidia" / "cudnn" / "lib";
    fs::create_directories(package);
    fs::copy(kFakes + "/tensorrt_8600/libnvinfer.so.8", package / "libcudnn.so.8");
    fs::copy(package / "libcudnn.so.8", site_packages.path());
    ASSERT_EQ(setenv("LD_LIBRARY_PATH", site_packages.path().c_str(), 1), 0);
    EXPECT_EQ(ReportCuda((site_packages.path() / "tensorflow").string()).back().path,
              (package / "libcudnn.so.8").string());
  });
}

TEST(CudaLibraries, NoDriverMeansNoGpus) {
  if (OpenLibrary("libcuda.so.1")) GTEST_SKIP() << "this machine has the NVIDIA driver";
  EXPECT_TRUE(ListGpus().empty());
}

}  // namespace
}  // namespace tftrt
