/* Loading with options, what is known of a loaded model, other signatures, closing. */

#include "models.h"

static void LoadFails(const char* path, const tftrt_model_options* options, tftrt_code code, const char* part) {
  tftrt_model* model = NULL;
  CHECK_FAILS(tftrt_model_load(path, options, &model), code, part);
  CHECK(model == NULL);
}

static void OptionsAreRead(void) {
  const char* path = MODEL_PATH("add");
  tftrt_model_options options = OnCpu();
  LoadFails(MODEL_PATH("no_such_model"), &options, TFTRT_MODEL_ERROR, "no_such_model");
  LoadFails(MODEL_PATH("unknown_ops"), &options, TFTRT_UNSUPPORTED, "op");
  options.signature = "nothing";
  LoadFails(path, &options, TFTRT_INVALID_ARGUMENT, "nothing");

#define REFUSED(field, value, part) \
  options = OnCpu();                \
  options.field = value;            \
  LoadFails(path, &options, TFTRT_INVALID_ARGUMENT, part)
  REFUSED(device, "tpu", "tpu");
  REFUSED(executor, "fast", "fast");
  REFUSED(on_miss, "shrug", "shrug");
  REFUSED(on_mismatch, "shrug", "shrug");
  REFUSED(cuda_graphs, "perhaps", "perhaps");
  REFUSED(intra_op_threads, -1, "intra_op_threads is -1");
  REFUSED(inter_op_threads, 5000, "inter_op_threads is 5000");
  REFUSED(warmup, -1, "warmup is -1");
  REFUSED(max_queued_calls, -1, "max_queued_calls is -1");
  REFUSED(instances, 0, "instances");
  REFUSED(max_batch, -1, "max_batch");
  REFUSED(warm_engines, 2, "warm_engines is 2; expected 0 or 1");
  REFUSED(num_op_libraries, 1, "op_libraries is NULL");
  const char* missing[] = {"/no/such/library.so"};
  options.op_libraries = missing;
  tftrt_model* model = NULL;
  tftrt_status* status = tftrt_model_load(path, &options, &model);
  CHECK(strstr(tftrt_status_message(status), "/no/such/library.so") != NULL);
  tftrt_status_free(status);

  options = OnCpu();
  options.signature = options.device = options.executor = options.on_miss = NULL; /* the defaults */
  options.tags = NULL;
  options.num_tags = 0;
  options.device = "cpu";
  options.warmup = 2;
  CHECK_OK(tftrt_model_load(path, &options, &model));
  tftrt_model_free(model);
}

static void TagsChooseTheGraph(void) {
  const char* tags[] = {"serve", "double"};
  tftrt_model_options options = OnCpu();
  options.tags = tags;
  options.num_tags = 2;
  tftrt_model* model = NULL;
  CHECK_OK(tftrt_model_load(MODEL_PATH("add"), &options, &model));
  tftrt_model_info info = {.struct_size = sizeof info};
  CHECK_OK(tftrt_model_get_info(model, &info));
  CHECK(info.num_tags == 2);
  CHECK_TEXT(info.tags[0], "serve");
  CHECK_TEXT(info.tags[1], "double");
  const float values[] = {2, 3, 4, 5};
  tftrt_tensor *x = Floats(values, 1, 4), *y = NULL;
  const tftrt_named_tensor input = {"x", x};
  CHECK_OK(tftrt_model_run(model, &input, 1, NULL, &y, 1));
  CheckFloats(y, 4, 6);
  tftrt_tensor_free(y);
  tftrt_tensor_free(x);
  tftrt_model_free(model);
}

static void InfoSaysWhatWasDecided(void) {
  tftrt_model_options options = OnCpu();
  options.executor = "parallel";
  tftrt_model* model = NULL;
  CHECK_OK(tftrt_model_load(MODEL_PATH("converted"), &options, &model));
  tftrt_model_info info = {.struct_size = sizeof info};
  CHECK_OK(tftrt_model_get_info(model, &info));
  CHECK_TEXT(info.path, MODEL_PATH("converted"));
  CHECK_TEXT(info.device, "cpu");
  CHECK_TEXT(info.executor, "parallel");
  CHECK_TEXT(info.signature, "serving_default");
  CHECK_TEXT(info.tensorrt_problem, "");
  CHECK_TEXT(info.engine_problem, "");
  CHECK(info.executor_reason != NULL);
  CHECK(info.num_inputs == 1 && info.num_outputs == 1 && info.instances == 0 && info.engines_ready == 0);
  CHECK(info.num_signatures == 1);
  CHECK_TEXT(info.signatures[0], "serving_default");
  CHECK(strstr(info.manifest, "\"format_version\": 1") != NULL);
  CHECK(info.num_load_phases > 1);
  CHECK_TEXT(info.load_phases[0], "verify");
  for (size_t i = 0; i < info.num_load_phases; ++i) CHECK(info.load_seconds[i] >= 0 && *info.load_phases[i] != '\0');
  tftrt_model_free(model);

  model = LoadOnCpu(MODEL_PATH("add"));
  CHECK_OK(tftrt_model_get_info(model, &info));
  CHECK_TEXT(info.manifest, "");
  tftrt_model_free(model);
}

static void SignaturesShareAModel(void) {
  tftrt_model *model = LoadOnCpu(MODEL_PATH("several")), *greet = NULL, *count = NULL;
  tftrt_model_info info = {.struct_size = sizeof info};
  tftrt_tensor_spec spec = {.struct_size = sizeof spec};
  CHECK_OK(tftrt_model_get_info(model, &info));
  CHECK(info.num_signatures == 6 && info.num_inputs == 2 && info.num_outputs == 3);
  CHECK_OK(tftrt_model_get_input(model, 1, &spec));
  CHECK_TEXT(spec.name, "b");
  CHECK(spec.dtype == TFTRT_FLOAT32 && spec.rank == 2 && spec.dims[0] == -1 && spec.dims[1] == 2);
  CHECK_OK(tftrt_model_get_output(model, 2, &spec));
  CHECK_TEXT(spec.name, "sum");
  CHECK_FAILS(tftrt_model_with_signature(model, "nothing", &greet), TFTRT_INVALID_ARGUMENT, "nothing");
  CHECK_FAILS(tftrt_model_with_signature(model, "sparse", &greet), TFTRT_UNSUPPORTED, "sparse");
  CHECK(greet == NULL);
  CHECK_OK(tftrt_model_with_signature(model, "greet", &greet));
  CHECK_OK(tftrt_model_with_signature(model, "count", &count));
  tftrt_model_free(model); /* the others keep what they need */
  CHECK_OK(tftrt_model_get_info(greet, &info));
  CHECK_TEXT(info.signature, "greet");
  CHECK_OK(tftrt_model_get_input(greet, 0, &spec));
  CHECK(spec.dtype == TFTRT_STRING && spec.rank == 1);
  tftrt_tensor* n = NULL;
  CHECK_OK(tftrt_model_run(count, NULL, 0, NULL, &n, 1));
  CHECK(*(const int64_t*)ViewOf(n).data == 11);
  tftrt_tensor_free(n);
  tftrt_model_free(greet);
  tftrt_model_free(count);
}

static void AnyRankIsSaidSo(void) {
  tftrt_model *model = LoadOnCpu(MODEL_PATH("several")), *pass = NULL;
  tftrt_tensor_spec spec = {.struct_size = sizeof spec};
  CHECK_OK(tftrt_model_with_signature(model, "pass", &pass));
  CHECK_OK(tftrt_model_get_input(pass, 0, &spec));
  CHECK(spec.rank == -1);
  tftrt_model_free(pass);
  tftrt_model_free(model);
}

static void ClosingIsForEveryHandle(void) {
  tftrt_model *model = LoadOnCpu(MODEL_PATH("several")), *count = NULL;
  CHECK_OK(tftrt_model_with_signature(model, "count", &count));
  int32_t closed = -1;
  CHECK_OK(tftrt_model_is_closed(count, &closed));
  CHECK(closed == 0);
  CHECK_OK(tftrt_model_close(model));
  CHECK_OK(tftrt_model_close(model));
  CHECK_OK(tftrt_model_is_closed(count, &closed));
  CHECK(closed == 1);
  tftrt_tensor* n = NULL;
  CHECK_FAILS(tftrt_model_run(count, NULL, 0, NULL, &n, 1), TFTRT_INVALID_ARGUMENT, "is closed");
  tftrt_model_info info = {.struct_size = sizeof info};
  CHECK_OK(tftrt_model_get_info(count, &info));
  CHECK_TEXT(info.signature, "count");
  tftrt_model_free(count);
  tftrt_model_free(model);
}

int load_test(int argc, char** argv) {
  (void)argc, (void)argv;
  OptionsAreRead();
  TagsChooseTheGraph();
  InfoSaysWhatWasDecided();
  SignaturesShareAModel();
  AnyRankIsSaidSo();
  ClosingIsForEveryHandle();
  return 0;
}
