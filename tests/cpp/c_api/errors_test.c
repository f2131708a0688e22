/* Null pointers, numbers out of range, and what an error says. */

#include "models.h"

static void StatusOfSuccessIsNull(void) {
  CHECK(tftrt_status_code(NULL) == TFTRT_OK);
  CHECK_TEXT(tftrt_status_message(NULL), "");
  CHECK_TEXT(tftrt_code_name(TFTRT_OK), "OK");
  for (tftrt_code code = TFTRT_OK; code <= TFTRT_OUT_OF_MEMORY; ++code) CHECK(tftrt_code_name(code) != NULL);
  CHECK(tftrt_code_name(-1) == NULL);
  CHECK(tftrt_code_name(TFTRT_OUT_OF_MEMORY + 1) == NULL);
}

static void NothingCanBeFreed(void) {
  tftrt_status_free(NULL);
  tftrt_tensor_free(NULL);
  tftrt_environment_free(NULL);
  tftrt_saved_model_free(NULL);
  tftrt_model_free(NULL);
  tftrt_cancellation_free(NULL);
  tftrt_runner_free(NULL);
  tftrt_stats_free(NULL);
}

#define CHECK_NULL(status, argument) CHECK_FAILS(status, TFTRT_INVALID_ARGUMENT, argument " is NULL")

static void NullTensors(void) {
  const int64_t dims[] = {2};
  float values[] = {1, 2};
  tftrt_tensor* tensor = Floats(values, 1, 2);
  tftrt_tensor* made = tensor;
  const char* text = "mine";
  size_t length = 7;
  CHECK_NULL(tftrt_tensor_new(TFTRT_FLOAT32, dims, 1, NULL), "tensor");
  CHECK_NULL(tftrt_tensor_new(TFTRT_FLOAT32, NULL, 1, &made), "dims");
  CHECK(made == NULL);
  CHECK_NULL(tftrt_tensor_copy(values, 8, TFTRT_FLOAT32, dims, 1, NULL), "tensor");
  CHECK_FAILS(tftrt_tensor_copy(NULL, 8, TFTRT_FLOAT32, dims, 1, &made), TFTRT_INVALID_ARGUMENT, "data is null");
  CHECK_NULL(tftrt_tensor_borrow(values, 8, TFTRT_FLOAT32, dims, 1, NULL, NULL, NULL), "tensor");
  CHECK_FAILS(tftrt_tensor_borrow(NULL, 8, TFTRT_FLOAT32, dims, 1, NULL, NULL, &made), TFTRT_INVALID_ARGUMENT,
              "data is null");
  CHECK_NULL(tftrt_tensor_borrow_gpu(values, 8, TFTRT_FLOAT32, dims, 1, 0, NULL, NULL, NULL), "tensor");
  CHECK_NULL(tftrt_tensor_borrow_cuda(values, 8, TFTRT_FLOAT32, dims, 1, NULL, NULL, NULL, NULL), "tensor");
  CHECK_NULL(tftrt_tensor_strings(NULL, NULL, 2, dims, 1, &made), "values");
  CHECK_NULL(tftrt_tensor_strings(NULL, NULL, 2, dims, 1, NULL), "tensor");
  CHECK_NULL(tftrt_tensor_share(NULL, &made), "tensor");
  CHECK_NULL(tftrt_tensor_share(tensor, NULL), "handle");
  CHECK_NULL(tftrt_tensor_get_view(tensor, NULL), "view");
  CHECK_NULL(tftrt_tensor_get_string(NULL, 0, &text, &length), "tensor");
  CHECK(text == NULL && length == 0);
  length = 7;
  CHECK_NULL(tftrt_tensor_get_string(tensor, 0, NULL, &length), "data");
  CHECK(length == 0);
  text = "mine";
  CHECK_NULL(tftrt_tensor_get_string(tensor, 0, &text, NULL), "length");
  CHECK(text == NULL);
  CHECK_NULL(tftrt_tensor_set_string(NULL, 0, "", 0), "tensor");
  CHECK_NULL(tftrt_tensor_set_string(tensor, 0, NULL, 1), "data");
  CHECK_NULL(tftrt_tensor_copy_to(NULL, tensor), "from");
  CHECK_NULL(tftrt_tensor_copy_to(tensor, NULL), "to");
  tftrt_tensor_free(tensor);
}

static void NullHandles(void) {
  tftrt_tensor_view view = {.struct_size = sizeof view};
  tftrt_tensor_spec spec = {.struct_size = sizeof spec};
  tftrt_model_info info = {.struct_size = sizeof info};
  tftrt_memory memory = {.struct_size = sizeof memory};
  tftrt_model* model = NULL;
  tftrt_runner* runner = NULL;
  tftrt_stats* stats = NULL;
  tftrt_tensor* tensor = NULL;
  int32_t closed;
  CHECK_NULL(tftrt_tensor_get_view(NULL, &view), "tensor");
  CHECK_NULL(tftrt_configure(NULL), "options");
  CHECK_NULL(tftrt_inspect_environment(NULL), "environment");
  CHECK_NULL(tftrt_environment_get_info(NULL, NULL), "environment");
  CHECK_NULL(tftrt_environment_get_library(NULL, 0, NULL), "environment");
  CHECK_NULL(tftrt_environment_get_gpu(NULL, 0, NULL), "environment");
  CHECK_NULL(tftrt_inspect_saved_model(NULL, NULL, 0, NULL), "saved_model");
  CHECK_NULL(tftrt_saved_model_get_info(NULL, NULL), "saved_model");
  CHECK_NULL(tftrt_saved_model_get_tag_set(NULL, 0, NULL, NULL), "saved_model");
  CHECK_NULL(tftrt_saved_model_get_signature(NULL, 0, NULL), "saved_model");
  CHECK_NULL(tftrt_saved_model_get_input(NULL, 0, 0, &spec), "saved_model");
  CHECK_NULL(tftrt_saved_model_get_output(NULL, 0, 0, &spec), "saved_model");
  CHECK_NULL(tftrt_saved_model_get_op(NULL, 0, NULL, NULL), "saved_model");
  CHECK_NULL(tftrt_model_load(MODEL_PATH("add"), NULL, NULL), "model");
  CHECK_NULL(tftrt_model_load(NULL, NULL, &model), "path");
  CHECK_NULL(tftrt_model_with_signature(NULL, "x", &model), "model");
  CHECK_NULL(tftrt_model_get_info(NULL, &info), "model");
  CHECK_NULL(tftrt_model_get_input(NULL, 0, &spec), "model");
  CHECK_NULL(tftrt_model_get_output(NULL, 0, &spec), "model");
  CHECK_NULL(tftrt_model_close(NULL), "model");
  CHECK_NULL(tftrt_model_is_closed(NULL, &closed), "model");
  CHECK_NULL(tftrt_model_run(NULL, NULL, 0, NULL, NULL, 0), "model");
  CHECK_NULL(tftrt_model_run_async(NULL, NULL, 0, NULL, NULL, NULL), "model");
  CHECK_NULL(tftrt_model_bind(NULL, NULL, 0, NULL, &runner), "model");
  CHECK_NULL(tftrt_model_bind_shapes(NULL, NULL, 0, NULL, &runner), "model");
  CHECK_NULL(tftrt_model_make_input(NULL, "x", NULL, 0, 0, &tensor), "model");
  CHECK_NULL(tftrt_model_get_stats(NULL, &stats), "model");
  CHECK_NULL(tftrt_model_get_memory(NULL, &memory), "model");
  CHECK_NULL(tftrt_cancellation_new(NULL), "cancellation");
  CHECK_NULL(tftrt_cancellation_cancel(NULL), "cancellation");
  CHECK_NULL(tftrt_runner_get_info(NULL, NULL), "runner");
  CHECK_NULL(tftrt_runner_get_input_spec(NULL, 0, &spec), "runner");
  CHECK_NULL(tftrt_runner_get_output_spec(NULL, 0, &spec), "runner");
  CHECK_NULL(tftrt_runner_get_input(NULL, "x", &tensor), "runner");
  CHECK_NULL(tftrt_runner_get_output(NULL, "y", &tensor), "runner");
  CHECK_NULL(tftrt_runner_get_output_view(NULL, 0, &view), "runner");
  CHECK_NULL(tftrt_runner_run(NULL), "runner");
  CHECK_NULL(tftrt_runner_run_on(NULL, NULL), "runner");
  CHECK_NULL(tftrt_stats_get_info(NULL, NULL), "stats");
  CHECK_NULL(tftrt_stats_get_engine(NULL, 0, NULL), "stats");
  CHECK_NULL(tftrt_stats_get_profile(NULL, 0, 0, NULL), "stats");
  CHECK_NULL(tftrt_stats_get_static_shapes(NULL, 0, 0, NULL, NULL), "stats");
  CHECK_NULL(tftrt_stats_get_shape(NULL, 0, 0, NULL), "stats");
}

static void NullArgumentsOfAModel(void) {
  tftrt_model *model = LoadOnCpu(MODEL_PATH("add")), *other = NULL;
  const float values[] = {1, 2, 3, 4};
  tftrt_tensor* x = Floats(values, 1, 4);
  tftrt_tensor* y = x;
  tftrt_runner* runner = NULL;
  const tftrt_named_tensor no_name = {NULL, x}, no_tensor = {"x", NULL}, good = {"x", x};
  const int64_t dims[] = {1, 4};
  const tftrt_named_shape no_dims = {"x", {NULL, 2}}, shape_of_nobody = {NULL, {dims, 2}};
  CHECK_NULL(tftrt_model_run(model, NULL, 1, NULL, &y, 1), "inputs");
  CHECK(y == NULL);
  CHECK_NULL(tftrt_model_run(model, &no_name, 1, NULL, &y, 1), "inputs[0].name");
  CHECK_NULL(tftrt_model_run(model, &no_tensor, 1, NULL, &y, 1), "inputs[0].tensor");
  CHECK_NULL(tftrt_model_run(model, &good, 1, NULL, NULL, 1), "outputs");
  CHECK_NULL(tftrt_model_run_async(model, &good, 1, NULL, NULL, NULL), "done");
  CHECK_NULL(tftrt_model_bind(model, &good, 1, NULL, NULL), "runner");
  CHECK_NULL(tftrt_model_bind(model, NULL, 1, NULL, &runner), "inputs");
  CHECK_NULL(tftrt_model_bind_shapes(model, NULL, 1, NULL, &runner), "shapes");
  CHECK_NULL(tftrt_model_bind_shapes(model, &no_dims, 1, NULL, &runner), "dims");
  CHECK_NULL(tftrt_model_bind_shapes(model, &shape_of_nobody, 1, NULL, &runner), "shapes[0].name");
  CHECK_NULL(tftrt_model_make_input(model, NULL, dims, 2, 0, &y), "name");
  CHECK_NULL(tftrt_model_get_info(model, NULL), "info");
  CHECK_NULL(tftrt_model_get_input(model, 0, NULL), "spec");
  CHECK_NULL(tftrt_model_is_closed(model, NULL), "closed");
  CHECK_NULL(tftrt_model_get_memory(model, NULL), "memory");
  CHECK_NULL(tftrt_model_with_signature(model, NULL, &other), "signature");
  CHECK_NULL(tftrt_model_with_signature(model, "serving_default", NULL), "other");
  tftrt_tensor_free(x);
  tftrt_model_free(model);
}

int errors_test(int argc, char** argv) {
  (void)argc, (void)argv;
  StatusOfSuccessIsNull();
  NothingCanBeFreed();
  NullTensors();
  NullHandles();
  NullArgumentsOfAModel();
  return 0;
}
