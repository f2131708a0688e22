/* Programs compiled with older and newer versions of the structs. */

#include <stddef.h>

#include "models.h"

/* The struct of a version to come, and of one that had no more than the device. */
typedef struct {
  tftrt_model_options known;
  uint64_t later[2];
} newer_options;
#define OLDER_OPTIONS offsetof(tftrt_model_options, executor)

static void LoadWith(const void* options, tftrt_code code, const char* part) {
  tftrt_model* model = NULL;
  CHECK_FAILS(tftrt_model_load(MODEL_PATH("add"), options, &model), code, part);
  CHECK((model != NULL) == (code == TFTRT_OK));
  tftrt_model_free(model);
}

static void NewerOptionsAreTakenIfTheyAreNotUsed(void) {
  newer_options options;
  memset(&options, 0xff, sizeof options);
  tftrt_model_options_init(&options.known, sizeof options);
  CHECK(options.known.struct_size == sizeof options);
  CHECK(options.later[0] == 0 && options.later[1] == 0);
  options.known.device = "cpu";
  LoadWith(&options, TFTRT_OK, "");
  options.later[1] = 1;
  LoadWith(&options, TFTRT_INVALID_ARGUMENT, "tftrt_model_options: struct_size is ");
  LoadWith(&options, TFTRT_INVALID_ARGUMENT, "is set; run the program with the tftrt");
}

static void OlderOptionsKeepTheDefaults(void) {
  tftrt_model_options options;
  memset(&options, 0x5a, sizeof options); /* where nobody reads or writes */
  tftrt_model_options_init(&options, OLDER_OPTIONS);
  CHECK(options.warmup == 0x5a5a5a5a);
  CHECK_TEXT(options.device, "auto");
  options.device = "cpu";
  LoadWith(&options, TFTRT_OK, "");
  options.device = "tpu";
  LoadWith(&options, TFTRT_INVALID_ARGUMENT, "tpu");
}

static void SizesThatAreNoneAreRefused(void) {
  tftrt_model_options options = OnCpu();
  const size_t wrong[] = {0, 1, 7, sizeof options + 1, 65536 + 8, SIZE_MAX, SIZE_MAX - 7};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    options.struct_size = wrong[i];
    LoadWith(&options, TFTRT_INVALID_ARGUMENT, "expected sizeof(tftrt_model_options)");
  }
  tftrt_tensor_spec spec = {.struct_size = 0};
  tftrt_model* model = LoadOnCpu(MODEL_PATH("add"));
  CHECK_FAILS(tftrt_model_get_input(model, 0, &spec), TFTRT_INVALID_ARGUMENT, "struct_size is 0; expected sizeof");
  tftrt_model_free(model);
  /* There is nobody to tell. */
  memset(&options, 0x5a, sizeof options);
  tftrt_model_options_init(&options, 4);
  tftrt_model_options_init(NULL, sizeof options);
  tftrt_call_options_init(NULL, 0);
  tftrt_bind_options_init(NULL, 0);
  tftrt_runtime_options_init(NULL, 0);
  CHECK(((const unsigned char*)&options)[0] == 0x5a);
}

static void OutputStructsAreFilledAsFarAsTheyGo(void) {
  tftrt_model* model = LoadOnCpu(MODEL_PATH("add"));
  struct {
    tftrt_tensor_spec known;
    uint64_t later;
  } newer = {.known = {.struct_size = sizeof newer}, .later = 7};
  CHECK_OK(tftrt_model_get_input(model, 0, &newer.known));
  CHECK_TEXT(newer.known.name, "x");
  CHECK(newer.known.struct_size == sizeof newer && newer.later == 0);

  tftrt_tensor_spec older = {.struct_size = offsetof(tftrt_tensor_spec, dims), .rank = 77, .dtype = 77};
  CHECK_OK(tftrt_model_get_input(model, 0, &older));
  CHECK_TEXT(older.name, "x");
  CHECK(older.dims == NULL && older.rank == 77 && older.dtype == 77);
  tftrt_model_free(model);
}

static void OutputStructsStayAsTheyAreIfThereIsAnError(void) {
  tftrt_model* model = LoadOnCpu(MODEL_PATH("add"));
  tftrt_tensor_spec spec = {.struct_size = sizeof spec, .name = "mine"};
  CHECK_FAILS(tftrt_model_get_input(model, 1, &spec), TFTRT_INVALID_ARGUMENT, "there is no input 1; there are 1");
  CHECK_FAILS(tftrt_model_get_output(model, SIZE_MAX, &spec), TFTRT_INVALID_ARGUMENT, "there is no output");
  CHECK_TEXT(spec.name, "mine");
  tftrt_model_free(model);
}

static void DefaultsAreTheOnesInTheHeader(void) {
  tftrt_model_options model;
  tftrt_model_options_init(&model, sizeof model);
  CHECK(model.struct_size == sizeof model);
  CHECK_TEXT(model.signature, "serving_default");
  CHECK(model.num_tags == 1);
  CHECK_TEXT(model.tags[0], "serve");
  CHECK_TEXT(model.executor, "auto");
  CHECK_TEXT(model.on_miss, "native");
  CHECK_TEXT(model.on_mismatch, "error");
  CHECK_TEXT(model.cuda_graphs, "auto");
  CHECK(model.intra_op_threads == 0 && model.inter_op_threads == 0 && model.instances == 1);
  CHECK(model.max_batch == 0 && model.max_wait_us == 0 && model.max_queued_batches == 64);
  CHECK(model.max_queued_calls == 1024 && model.warm_engines == 1 && model.warmup == 0);
  CHECK(model.op_libraries == NULL && model.num_op_libraries == 0);
  tftrt_runtime_options runtime;
  tftrt_runtime_options_init(&runtime, sizeof runtime);
  CHECK(runtime.gpu_memory_growth == -1 && runtime.log_level == -1 && runtime.gpu_memory_limit_mb == -1);
  CHECK(runtime.intra_op_threads == -1 && runtime.inter_op_threads == -1);
  CHECK(runtime.tensorflow_dir == NULL && runtime.tensorrt_dir == NULL);
  tftrt_call_options call;
  tftrt_call_options_init(&call, sizeof call);
  CHECK(call.num_outputs == 0 && call.num_on_gpu == 0 && call.timeout_us == -1 && call.cancellation == NULL);
  tftrt_bind_options bind;
  tftrt_bind_options_init(&bind, sizeof bind);
  CHECK(bind.num_outputs == 0 && bind.num_on_gpu == 0 && bind.num_into == 0);
}

int structs_test(int argc, char** argv) {
  (void)argc, (void)argv;
  NewerOptionsAreTakenIfTheyAreNotUsed();
  OlderOptionsKeepTheDefaults();
  SizesThatAreNoneAreRefused();
  OutputStructsAreFilledAsFarAsTheyGo();
  OutputStructsStayAsTheyAreIfThereIsAnError();
  DefaultsAreTheOnesInTheHeader();
  return 0;
}
