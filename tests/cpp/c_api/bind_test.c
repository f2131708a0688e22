/* Bound calls: memory that stays where it is. */

#include "models.h"

static float* Elements(const tftrt_runner* runner, const char* input) {
  tftrt_tensor* tensor = NULL;
  CHECK_OK(tftrt_runner_get_input(runner, input, &tensor));
  float* data = ViewOf(tensor).data;
  tftrt_tensor_free(tensor);
  return data;
}

static void ShapesMakeInputs(void) {
  tftrt_model* model = LoadOnCpu(MODEL_PATH("add"));
  tftrt_runner* runner = NULL;
  CHECK_OK(tftrt_model_bind_shapes(model, NULL, 0, NULL, &runner)); /* the shape is fixed */
  tftrt_model_free(model);
  tftrt_runner_info info = {.struct_size = sizeof info};
  tftrt_tensor_spec spec = {.struct_size = sizeof spec};
  tftrt_tensor_view view = {.struct_size = sizeof view};
  tftrt_tensor* output = NULL;
  CHECK_OK(tftrt_runner_get_info(runner, &info));
  CHECK(info.num_inputs == 1 && info.num_outputs == 1);
  CHECK_OK(tftrt_runner_get_input_spec(runner, 0, &spec));
  CHECK_TEXT(spec.name, "x");
  CHECK_OK(tftrt_runner_get_output_spec(runner, 0, &spec));
  CHECK_TEXT(spec.name, "y");
  CHECK_FAILS(tftrt_runner_get_output(runner, "y", &output), TFTRT_INVALID_ARGUMENT, "before its first run");
  CHECK_FAILS(tftrt_runner_get_output_view(runner, 0, &view), TFTRT_INVALID_ARGUMENT, "before its first run");
  float* x = Elements(runner, "x");
  CHECK(x[0] == 0);
  CHECK_OK(tftrt_runner_run(runner));
  CHECK_OK(tftrt_runner_get_output_view(runner, 0, &view));
  const float* y = view.data;
  for (int i = 2; i < 5; ++i) {
    x[0] = (float)i;
    CHECK_OK(tftrt_runner_run(runner));
    CHECK(y[0] == (float)(i + 1));
  }
  CHECK_OK(tftrt_runner_get_output(runner, "y", &output));
  CHECK(ViewOf(output).data == y);
  CHECK_FAILS(tftrt_runner_get_output_view(runner, 1, &view), TFTRT_INVALID_ARGUMENT, "there is no output 1");
  CHECK_FAILS(tftrt_runner_run_on(runner, NULL), TFTRT_UNSUPPORTED, "GPU");
  tftrt_runner_free(runner);
  CheckFloats(output, 5, 1); /* the tensor keeps its memory */
  tftrt_tensor_free(output);
}

static void TensorsAreReadWhereTheyAre(void) {
  tftrt_model* model = LoadOnCpu(MODEL_PATH("several"));
  float a[] = {6, 8}, b[] = {2, 4}, sum[2] = {0};
  const int64_t dims[] = {1, 2};
  tftrt_tensor *of_a = NULL, *of_b = NULL, *of_sum = NULL;
  CHECK_OK(tftrt_tensor_borrow(a, sizeof a, TFTRT_FLOAT32, dims, 2, NULL, NULL, &of_a));
  CHECK_OK(tftrt_tensor_borrow(b, sizeof b, TFTRT_FLOAT32, dims, 2, NULL, NULL, &of_b));
  CHECK_OK(tftrt_tensor_borrow(sum, sizeof sum, TFTRT_FLOAT32, dims, 2, NULL, NULL, &of_sum));
  const tftrt_named_tensor inputs[] = {{"a", of_a}, {"b", of_b}}, into = {"sum", of_sum};
  const char* wanted[] = {"difference", "sum"};
  tftrt_bind_options options;
  tftrt_bind_options_init(&options, sizeof options);
  options.outputs = wanted;
  options.num_outputs = 2;
  options.into = &into;
  options.num_into = 1;
  tftrt_runner* runner = NULL;
  CHECK_OK(tftrt_model_bind(model, inputs, 2, &options, &runner));
  tftrt_tensor_free(of_a);
  tftrt_tensor_free(of_b);
  for (int i = 0; i < 3; ++i) {
    a[0] = (float)i;
    CHECK_OK(tftrt_runner_run(runner));
    CHECK(sum[0] == (float)(i + 2) && sum[1] == 12);
    tftrt_tensor_view view = {.struct_size = sizeof view};
    CHECK_OK(tftrt_runner_get_output_view(runner, 0, &view));
    CHECK(((const float*)view.data)[0] == (float)(i - 2));
  }
  tftrt_runner_free(runner);

  const tftrt_named_tensor wrong = {"quotient", of_sum};
  options.into = &wrong;
  CHECK_FAILS(tftrt_model_bind_shapes(model, NULL, 0, &options, &runner), TFTRT_INVALID_ARGUMENT, "");
  options.num_into = 0;
  options.on_gpu = wanted;
  options.num_on_gpu = 1;
  const tftrt_named_shape shapes[] = {{"a", {dims, 2}}, {"b", {dims, 2}}};
  CHECK_FAILS(tftrt_model_bind_shapes(model, shapes, 2, &options, &runner), TFTRT_UNSUPPORTED, "GPU");
  CHECK_FAILS(tftrt_model_bind_shapes(model, shapes, 1, NULL, &runner), TFTRT_INVALID_ARGUMENT, "\"b\"");
  CHECK(runner == NULL);
  tftrt_tensor_free(of_sum);
  tftrt_model_free(model);
}

static void InputsAreMadeToFit(void) {
  tftrt_model* model = LoadOnCpu(MODEL_PATH("several"));
  const int64_t dims[] = {3, 2}, wrong[] = {3, 3};
  tftrt_tensor *a = NULL, *b = NULL;
  CHECK_OK(tftrt_model_make_input(model, "a", dims, 2, 0, &a));
  CHECK_OK(tftrt_model_make_input(model, "b", dims, 2, 0, &b));
  CheckFloats(a, 0, 0);
  CHECK_FAILS(tftrt_model_make_input(model, "a", wrong, 2, 0, &b), TFTRT_INVALID_ARGUMENT, "[3, 3]");
  CHECK_FAILS(tftrt_model_make_input(model, "a", dims, 2, 1, &b), TFTRT_UNSUPPORTED, "GPU");
  CHECK_FAILS(tftrt_model_make_input(model, "z", dims, 2, 0, &b), TFTRT_INVALID_ARGUMENT, "\"z\"");
  CHECK(b == NULL);
  CHECK_OK(tftrt_model_make_input(model, "b", dims, 2, 0, &b));
  ((float*)ViewOf(b).data)[0] = 5;
  const tftrt_named_tensor inputs[] = {{"a", a}, {"b", b}};
  tftrt_runner* runner = NULL;
  const char* wanted[] = {"sum"};
  tftrt_bind_options options;
  tftrt_bind_options_init(&options, sizeof options);
  options.outputs = wanted;
  options.num_outputs = 1;
  CHECK_OK(tftrt_model_bind(model, inputs, 2, &options, &runner));
  CHECK_OK(tftrt_runner_run(runner));
  tftrt_tensor* sum = NULL;
  CHECK_OK(tftrt_runner_get_output(runner, "sum", &sum));
  CheckFloats(sum, 5, 0);
  tftrt_tensor_free(a);
  CHECK_FAILS(tftrt_runner_get_input(runner, "z", &a), TFTRT_INVALID_ARGUMENT, "\"z\"");
  tftrt_tensor_free(sum);
  tftrt_tensor_free(b);
  CHECK_OK(tftrt_model_close(model));
  CHECK_FAILS(tftrt_runner_run(runner), TFTRT_INVALID_ARGUMENT, "is closed");
  tftrt_runner_free(runner);
  tftrt_model_free(model);
}

static void StringsAreSetInPlace(void) {
  tftrt_model *model = LoadOnCpu(MODEL_PATH("several")), *greet = NULL;
  CHECK_OK(tftrt_model_with_signature(model, "greet", &greet));
  const int64_t dims[] = {1};
  const tftrt_named_shape shape = {"name", {dims, 1}};
  tftrt_runner* runner = NULL;
  tftrt_tensor *name = NULL, *greeting = NULL;
  CHECK_OK(tftrt_model_bind_shapes(greet, &shape, 1, NULL, &runner));
  CHECK_OK(tftrt_runner_get_input(runner, "name", &name));
  const char *names[] = {"one", "another"}, *expected[] = {"hello one", "hello another"}, *text = NULL;
  size_t length = 0;
  for (int i = 0; i < 2; ++i) {
    CHECK_OK(tftrt_tensor_set_string(name, 0, names[i], strlen(names[i])));
    CHECK_OK(tftrt_runner_run(runner));
    CHECK_OK(tftrt_runner_get_output(runner, "greeting", &greeting));
    CHECK_OK(tftrt_tensor_get_string(greeting, 0, &text, &length));
    CHECK_TEXT(text, expected[i]);
    tftrt_tensor_free(greeting);
  }
  tftrt_tensor_free(name);
  tftrt_runner_free(runner);
  tftrt_model_free(greet);
  tftrt_model_free(model);
}

int bind_test(int argc, char** argv) {
  (void)argc, (void)argv;
  ShapesMakeInputs();
  TensorsAreReadWhereTheyAre();
  InputsAreMadeToFit();
  StringsAreSetInPlace();
  return 0;
}
