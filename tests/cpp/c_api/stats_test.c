/* What was called, and what it takes. */

#include "models.h"

static void CallsAreCounted(void) {
  tftrt_model* model = LoadOnCpu(MODEL_PATH("engine"));
  const float values[] = {1, 2, 3, 4};
  tftrt_tensor *x = Floats(values, 1, 4), *y = NULL;
  const tftrt_named_tensor input = {"x", x}, wrong = {"z", x};
  CHECK_OK(tftrt_model_run(model, &input, 1, NULL, &y, 1));
  CheckFloats(y, 2, 4);
  tftrt_tensor_free(y);
  CHECK_FAILS(tftrt_model_run(model, &wrong, 1, NULL, &y, 1), TFTRT_INVALID_ARGUMENT, "\"z\"");

  tftrt_stats* stats = NULL;
  CHECK_OK(tftrt_model_get_stats(model, &stats));
  tftrt_stats_info info = {.struct_size = sizeof info};
  CHECK_OK(tftrt_stats_get_info(stats, &info));
  CHECK(info.calls == 2 && info.errors == 1 && info.num_engines == 1);
  tftrt_engine_stats engine = {.struct_size = sizeof engine};
  CHECK_OK(tftrt_stats_get_engine(stats, 0, &engine));
  CHECK(strstr(engine.name, "TRTEngineOp_000_000") != NULL);
  CHECK(engine.inlined == 1 && engine.num_profiles == 0 && engine.num_static_shapes == 0 && engine.num_shapes == 0);
  CHECK(engine.counts.engine_runs == 0 && engine.counts.native_seconds == 0);
  tftrt_profile profile = {.struct_size = sizeof profile};
  tftrt_shape_stats shape = {.struct_size = sizeof shape};
  const tftrt_shape mine = {0}, *shapes = &mine;
  size_t num_inputs = 7;
  CHECK_FAILS(tftrt_stats_get_engine(stats, 1, &engine), TFTRT_INVALID_ARGUMENT, "there is no engine 1");
  CHECK_FAILS(tftrt_stats_get_profile(stats, 0, 0, &profile), TFTRT_INVALID_ARGUMENT, "there is no profile 0");
  CHECK_FAILS(tftrt_stats_get_profile(stats, 1, 0, &profile), TFTRT_INVALID_ARGUMENT, "there is no engine 1");
  CHECK_FAILS(tftrt_stats_get_shape(stats, 0, 0, &shape), TFTRT_INVALID_ARGUMENT, "there is no list of shapes 0");
  CHECK_FAILS(tftrt_stats_get_static_shapes(stats, 0, 0, &shapes, &num_inputs), TFTRT_INVALID_ARGUMENT, "shapes 0");
  CHECK(shapes == NULL && num_inputs == 0);
  tftrt_stats_free(stats);
  tftrt_tensor_free(x);
  tftrt_model_free(model);
}

static void MemoryIsReported(void) {
  tftrt_model* model = LoadOnCpu(MODEL_PATH("add"));
  tftrt_memory memory = {.struct_size = sizeof memory, .plans = 7};
  CHECK_OK(tftrt_model_get_memory(model, &memory));
  CHECK(memory.plans == 0 && memory.gpu_model == 0 && memory.host_pinned == 0 && memory.cuda_graphs == 0);
  CHECK_OK(tftrt_model_close(model));
  CHECK_FAILS(tftrt_model_get_memory(model, &memory), TFTRT_INVALID_ARGUMENT, "closed");
  tftrt_model_free(model);
}

int stats_test(int argc, char** argv) {
  (void)argc, (void)argv;
  CallsAreCounted();
  MemoryIsReported();
  return 0;
}
