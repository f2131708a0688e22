#include "tftrt/environment.h"

#include <string>
#include <utility>
#include <vector>

#include "c_api/arguments.h"
#include "c_api/options.h"
#include "c_api/status.h"
#include "c_api/versioned_struct.h"

struct tftrt_environment {
  // What the library is a part of, and what was found.
  std::vector<std::pair<const char*, tftrt::LibraryReport>> libraries;
  std::vector<std::string> gpus;
};

using namespace tftrt::c_api;

tftrt_status* tftrt_configure(const tftrt_runtime_options* options) {
  return Guard([&] {
    Require(options, "options");
    tftrt::Configure(RuntimeOptionsFrom(options));
  });
}

tftrt_status* tftrt_wait_for_queued_calls(void) {
  return Guard([] { tftrt::WaitForQueuedCalls(); });
}

tftrt_status* tftrt_inspect_environment(tftrt_environment** environment) {
  return Guard([&] {
    RequireHandle(environment, "environment");
    tftrt::EnvironmentReport report = tftrt::InspectEnvironment();
    tftrt_environment found;
    found.libraries.emplace_back("tensorflow", std::move(report.tensorflow));
    for (tftrt::LibraryReport& library : report.tensorrt) found.libraries.emplace_back("tensorrt", std::move(library));
    for (tftrt::LibraryReport& library : report.cuda) found.libraries.emplace_back("cuda", std::move(library));
    found.gpus = std::move(report.gpus);
    *environment = new tftrt_environment(std::move(found));
  });
}

tftrt_status* tftrt_environment_get_info(const tftrt_environment* environment, tftrt_environment_info* info) {
  return Guard([&] {
    Require(environment, "environment");
    Require(info, "info");
    tftrt_environment_info value = {};
    value.num_libraries = environment->libraries.size();
    value.num_gpus = environment->gpus.size();
    WriteStruct(info, "tftrt_environment_info", value);
  });
}

tftrt_status* tftrt_environment_get_library(const tftrt_environment* environment, size_t index,
                                            tftrt_library_info* info) {
  return Guard([&] {
    Require(environment, "environment");
    Require(info, "info");
    const auto& [part, library] = At(environment->libraries, index, "library");
    tftrt_library_info value = {};
    value.part = part;
    value.name = library.name.c_str();
    value.path = library.path.c_str();
    value.version = library.version.c_str();
    value.detail = library.detail.c_str();
    value.found = library.found ? 1 : 0;
    WriteStruct(info, "tftrt_library_info", value);
  });
}

tftrt_status* tftrt_environment_get_gpu(const tftrt_environment* environment, size_t index, const char** description) {
  return Guard([&] {
    Clear(description);
    Require(environment, "environment");
    Require(description, "description");
    *description = At(environment->gpus, index, "GPU").c_str();
  });
}

void tftrt_environment_free(tftrt_environment* environment) { delete environment; }
