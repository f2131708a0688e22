// What a process sets once. Each test does so in a child process, which leaves this one as it was.

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <string>

#include "models.h"
#include "testing.h"
#include "tftrt/environment.h"
#include "tftrt/error.h"
#include "tftrt/model.h"

namespace tftrt {
namespace {

std::string ConfigureMessage(const RuntimeOptions& options) {
  return MessageOf<InvalidArgumentError>([&] { Configure(options); });
}

struct Conflict {
  const char* name;
  std::function<void(RuntimeOptions&)> first;
  std::function<void(RuntimeOptions&)> second;
  const char* first_value;
  const char* second_value;
};

const Conflict kConflicts[] = {
    {"gpu_memory_growth", [](auto& o) { o.gpu_memory_growth = true; }, [](auto& o) { o.gpu_memory_growth = false; },
     "true", "false"},
    {"gpu_memory_limit_mb", [](auto& o) { o.gpu_memory_limit_mb = 1000; },
     [](auto& o) { o.gpu_memory_limit_mb = 2000; }, "1000", "2000"},
    {"log_level", [](auto& o) { o.log_level = 1; }, [](auto& o) { o.log_level = 2; }, "1", "2"},
    {"intra_op_threads", [](auto& o) { o.intra_op_threads = 3; }, [](auto& o) { o.intra_op_threads = 4; }, "3", "4"},
    {"inter_op_threads", [](auto& o) { o.inter_op_threads = 5; }, [](auto& o) { o.inter_op_threads = 6; }, "5", "6"},
    {"tensorflow_dir", [](auto& o) { o.tensorflow_dir = "/first"; }, [](auto& o) { o.tensorflow_dir = "/second"; },
     "\"/first\"", "\"/second\""},
    {"tensorrt_dir", [](auto& o) { o.tensorrt_dir = "/first"; }, [](auto& o) { o.tensorrt_dir = "/second"; },
     "\"/first\"", "\"/second\""},
};

TEST(Configure, SecondValueIsAnErrorThatNamesBoth) {
  for (const Conflict& conflict : kConflicts) {
    SCOPED_TRACE(conflict.name);
    InChild([&] {
      RuntimeOptions first;
      RuntimeOptions second;
      conflict.first(first);
      conflict.second(second);
      Configure(first);
      Configure(first);
      const std::string message = ConfigureMessage(second);
      ExpectContains(message, std::string(conflict.name) + " is already " + conflict.first_value);
      ExpectContains(message, std::string("cannot become ") + conflict.second_value);
    });
  }
}

TEST(Configure, CallersMaySetDifferentFields) {
  InChild([] {
    for (const Conflict& conflict : kConflicts) {
      RuntimeOptions options;
      conflict.first(options);
      Configure(options);
    }
    for (const Conflict& conflict : kConflicts) {
      RuntimeOptions options;
      conflict.second(options);
      ExpectContains(ConfigureMessage(options), conflict.name);
    }
  });
}

TEST(Configure, FailedCallChangesNothing) {
  InChild([] {
    RuntimeOptions first;
    first.intra_op_threads = 3;
    Configure(first);
    RuntimeOptions second;
    second.log_level = 1;
    second.intra_op_threads = 4;
    ConfigureMessage(second);
    RuntimeOptions third;
    third.log_level = 2;
    Configure(third);
  });
}

TEST(Configure, ValuesOutOfRangeAreErrors) {
  InChild([] {
    const auto message = [](const std::function<void(RuntimeOptions&)>& set) {
      RuntimeOptions options;
      set(options);
      return ConfigureMessage(options);
    };
    ExpectContains(message([](auto& o) { o.log_level = 4; }), "log_level is 4; expected 0 to 3");
    ExpectContains(message([](auto& o) { o.log_level = -1; }), "log_level is -1");
    ExpectContains(message([](auto& o) { o.gpu_memory_limit_mb = 0; }), "gpu_memory_limit_mb is 0; expected 1 to");
    ExpectContains(message([](auto& o) { o.intra_op_threads = -1; }), "intra_op_threads is -1; expected 0 to");
    ExpectContains(message([](auto& o) { o.inter_op_threads = 1000000; }), "inter_op_threads is 1000000");
  });
}

TEST(Configure, LoadingFixesTheDefaults) {
  InChild([] {
    unsetenv("TFTRT_LOG_LEVEL");
    unsetenv("TF_CPP_MIN_LOG_LEVEL");
    LoadOnCpu("add");
    RuntimeOptions same;
    same.gpu_memory_growth = true;
    same.log_level = 3;
    same.intra_op_threads = 0;
    Configure(same);

    RuntimeOptions growth;
    growth.gpu_memory_growth = false;
    ExpectContains(ConfigureMessage(growth), "gpu_memory_growth is already true");
    RuntimeOptions limit;
    limit.gpu_memory_limit_mb = 1000;
    ExpectContains(ConfigureMessage(limit), "gpu_memory_limit_mb is already 0");
    RuntimeOptions log_level;
    log_level.log_level = 0;
    ExpectContains(ConfigureMessage(log_level), "log_level is already 3");
    RuntimeOptions threads;
    threads.inter_op_threads = 2;
    ExpectContains(ConfigureMessage(threads), "inter_op_threads is already 0");
    RuntimeOptions directory;
    directory.tensorflow_dir = "/elsewhere";
    ExpectContains(ConfigureMessage(directory), "cannot become \"/elsewhere\"");
  });
}

TEST(Configure, WhatIsSetBeforeLoadingHoldsAfterIt) {
  InChild([] {
    RuntimeOptions options;
    options.intra_op_threads = 2;
    options.inter_op_threads = 1;
    options.gpu_memory_growth = false;
    Configure(options);
    ExpectAddWorks(LoadOnCpu("add"));
    Configure(options);
    options.intra_op_threads = 1;
    ExpectContains(ConfigureMessage(options), "intra_op_threads is already 2");
  });
}

TEST(Configure, LogLevelComesFromTheEnvironmentAndStaysOutOfIt) {
  InChild([] {
    setenv("TFTRT_LOG_LEVEL", "2", 1);
    unsetenv("TF_CPP_MIN_LOG_LEVEL");
    OpenTensorFlow();
    EXPECT_EQ(std::getenv("TF_CPP_MIN_LOG_LEVEL"), nullptr);
    RuntimeOptions options;
    options.log_level = 3;
    ExpectContains(ConfigureMessage(options), "log_level is already 2");
  });
}

TEST(Configure, WrongTensorFlowFolderIsAnErrorOnLoad) {
  InChild([] {
    const TemporaryFolder folder;
    RuntimeOptions options;
    options.tensorflow_dir = folder.path().string();
    Configure(options);
    const std::string message = MessageOf<IncompatibleError>([] { LoadOnCpu("add"); });
    ExpectContains(message, folder.path().string());
    ExpectContains(message, "libtensorflow_cc.so.2");
  });
}

TEST(Environment, IsInspectedWithoutOpeningTensorFlow) {
  InChild([] {
    const EnvironmentReport report = InspectEnvironment();
    EXPECT_TRUE(report.tensorflow.found) << report.tensorflow.detail;
    EXPECT_EQ(report.tensorflow.version, TFTRT_TEST_TENSORFLOW_VERSION);
    EXPECT_EQ(report.tensorflow.detail, "");
    EXPECT_EQ(report.tensorrt.size(), 2u);
    EXPECT_EQ(dlopen("libtensorflow_cc.so.2", RTLD_NOW | RTLD_NOLOAD), nullptr);
  });
}

TEST(Environment, OpeningTensorFlowTwiceIsOpeningItOnce) {
  InChild([] {
    OpenTensorFlow();
    OpenTensorFlow();
    EXPECT_NE(dlopen("libtensorflow_cc.so.2", RTLD_NOW | RTLD_NOLOAD), nullptr);
  });
}

TEST(Environment, MissingTensorRtIsReported) {
  InChild([] {
    const TemporaryFolder folder;
    RuntimeOptions options;
    options.tensorrt_dir = folder.path().string();
    Configure(options);
    const std::string problem = OpenTensorRt();
    ExpectContains(problem, folder.path().string());
    EXPECT_EQ(OpenTensorRt(), problem);
    ExpectAddWorks(LoadOnCpu("add"));
  });
}

}  // namespace
}  // namespace tftrt
