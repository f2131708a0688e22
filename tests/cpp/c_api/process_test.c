/* What is the process's: configuration, environment, version. */

#include "models.h"

static void ConfigurationHasToAgree(void) {
  tftrt_runtime_options options;
  tftrt_runtime_options_init(&options, sizeof options);
  CHECK_OK(tftrt_configure(&options)); /* nothing is set */
  options.log_level = 3;
  options.intra_op_threads = 2;
  CHECK_OK(tftrt_configure(&options));
  CHECK_OK(tftrt_configure(&options));
  options.intra_op_threads = 3;
  CHECK_FAILS(tftrt_configure(&options), TFTRT_INVALID_ARGUMENT,
              "intra_op_threads is already 2 in this process and cannot become 3");
  tftrt_runtime_options_init(&options, sizeof options);
  options.log_level = 4;
  CHECK_FAILS(tftrt_configure(&options), TFTRT_INVALID_ARGUMENT, "log_level is 4");
  options.log_level = -1;
  options.gpu_memory_growth = 2;
  CHECK_FAILS(tftrt_configure(&options), TFTRT_INVALID_ARGUMENT, "gpu_memory_growth is 2; expected 0 or 1");
  options.gpu_memory_growth = 1;
  options.gpu_memory_limit_mb = 0;
  CHECK_FAILS(tftrt_configure(&options), TFTRT_INVALID_ARGUMENT, "gpu_memory_limit_mb is 0");
  options.struct_size = 3;
  CHECK_FAILS(tftrt_configure(&options), TFTRT_INVALID_ARGUMENT, "expected sizeof(tftrt_runtime_options)");
}

static void TheEnvironmentIsReported(void) {
  tftrt_environment* environment = NULL;
  CHECK_OK(tftrt_inspect_environment(&environment));
  tftrt_environment_info info = {.struct_size = sizeof info};
  CHECK_OK(tftrt_environment_get_info(environment, &info));
  CHECK(info.num_libraries > 3);
  tftrt_library_info library = {.struct_size = sizeof library};
  CHECK_OK(tftrt_environment_get_library(environment, 0, &library));
  CHECK_TEXT(library.part, "tensorflow");
  CHECK(library.found == 1 && strncmp(library.version, "2.17", 4) == 0 && *library.path == '/');
  CHECK_TEXT(library.detail, "");
  CHECK_OK(tftrt_environment_get_library(environment, 1, &library));
  CHECK_TEXT(library.part, "tensorrt");
  CHECK_TEXT(library.name, "libnvinfer.so.8");
  CHECK((library.found == 1) == (*library.detail == '\0'));
  CHECK_OK(tftrt_environment_get_library(environment, info.num_libraries - 1, &library));
  CHECK_TEXT(library.part, "cuda");
  const char* gpu = "mine";
  CHECK_FAILS(tftrt_environment_get_gpu(environment, info.num_gpus, &gpu), TFTRT_INVALID_ARGUMENT, "there is no GPU");
  CHECK(gpu == NULL);
  CHECK_FAILS(tftrt_environment_get_library(environment, info.num_libraries, &library), TFTRT_INVALID_ARGUMENT,
              "there is no library");
  tftrt_environment_free(environment);
}

int process_test(int argc, char** argv) {
  (void)argc, (void)argv;
  CHECK_TEXT(tftrt_version(), TFTRT_TEST_PROJECT_VERSION);
  CHECK_TEXT(TFTRT_VERSION, TFTRT_TEST_PROJECT_VERSION);
  ConfigurationHasToAgree();
  TheEnvironmentIsReported();
  return 0;
}
