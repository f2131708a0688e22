/* Calls in the caller's thread: inputs, outputs, deadlines, cancellation. */

#include <threads.h>
#include <time.h>

#include "models.h"

/* Takes seconds, which no test waits for unless it has to. */
enum { kForLong = 1500000 };

static void OutputsAreByName(void) {
  tftrt_model* model = LoadOnCpu(MODEL_PATH("several"));
  const float a[] = {6, 8}, b[] = {2, 4};
  tftrt_tensor* tensors[] = {Floats(a, 1, 2), Floats(b, 1, 2)};
  const tftrt_named_tensor inputs[] = {{"b", tensors[1]}, {"a", tensors[0]}};
  tftrt_tensor* outputs[3] = {NULL};
  CHECK_OK(tftrt_model_run(model, inputs, 2, NULL, outputs, 3));
  CheckFloats(outputs[0], 4, 4);  /* difference */
  CheckFloats(outputs[1], 3, 2);  /* quotient */
  CheckFloats(outputs[2], 8, 12); /* sum */
  for (int i = 0; i < 3; ++i) tftrt_tensor_free(outputs[i]);

  tftrt_call_options options;
  tftrt_call_options_init(&options, sizeof options);
  const char* wanted[] = {"sum", "difference"};
  options.outputs = wanted;
  options.num_outputs = 2;
  options.timeout_us = 60000000;
  CHECK_OK(tftrt_model_run(model, inputs, 2, &options, outputs, 2));
  CheckFloats(outputs[0], 8, 12);
  CheckFloats(outputs[1], 4, 4);
  tftrt_tensor_free(outputs[0]);
  tftrt_tensor_free(outputs[1]);

  CHECK_FAILS(tftrt_model_run(model, inputs, 2, &options, outputs, 3), TFTRT_INVALID_ARGUMENT,
              "num_outputs is 3, but the call has 2 outputs");
  CHECK(outputs[0] == NULL && outputs[1] == NULL && outputs[2] == NULL);
  CHECK_FAILS(tftrt_model_run(model, inputs, 1, &options, outputs, 2), TFTRT_INVALID_ARGUMENT, "\"a\"");
  wanted[0] = "nothing";
  CHECK_FAILS(tftrt_model_run(model, inputs, 2, &options, outputs, 2), TFTRT_INVALID_ARGUMENT, "nothing");
  wanted[0] = NULL;
  CHECK_FAILS(tftrt_model_run(model, inputs, 2, &options, outputs, 2), TFTRT_INVALID_ARGUMENT, "outputs[0] is NULL");
  wanted[0] = "sum";
  options.on_gpu = wanted;
  options.num_on_gpu = 1;
  CHECK_FAILS(tftrt_model_run(model, inputs, 2, &options, outputs, 2), TFTRT_UNSUPPORTED, "GPU");
  options.num_on_gpu = 0;
  options.timeout_us = -2;
  CHECK_FAILS(tftrt_model_run(model, inputs, 2, &options, outputs, 2), TFTRT_INVALID_ARGUMENT, "timeout_us is -2");
  options.timeout_us = INT64_MAX; /* for ever */
  CHECK_OK(tftrt_model_run(model, inputs, 2, &options, outputs, 2));
  tftrt_tensor_free(outputs[0]);
  tftrt_tensor_free(outputs[1]);
  tftrt_tensor_free(tensors[0]);
  tftrt_tensor_free(tensors[1]);
  tftrt_model_free(model);
}

static void WrongDTypesAndShapesAreErrors(void) {
  tftrt_model* model = LoadOnCpu(MODEL_PATH("add"));
  const float values[] = {1, 2, 3, 4, 5};
  tftrt_tensor *integer = Integer(1), *wide = Floats(values, 1, 5), *output = NULL;
  const tftrt_named_tensor dtype = {"x", integer}, shape = {"x", wide}, name = {"z", wide};
  CHECK_FAILS(tftrt_model_run(model, &dtype, 1, NULL, &output, 1), TFTRT_INVALID_ARGUMENT, "int32");
  CHECK_FAILS(tftrt_model_run(model, &shape, 1, NULL, &output, 1), TFTRT_INVALID_ARGUMENT, "[1, 5]");
  CHECK_FAILS(tftrt_model_run(model, &name, 1, NULL, &output, 1), TFTRT_INVALID_ARGUMENT, "\"z\"");
  CHECK(output == NULL);
  tftrt_tensor_free(integer);
  tftrt_tensor_free(wide);
  tftrt_model_free(model);
}

static void StringsComeAndGo(void) {
  tftrt_model *model = LoadOnCpu(MODEL_PATH("several")), *greet = NULL;
  CHECK_OK(tftrt_model_with_signature(model, "greet", &greet));
  const char* names[] = {"you", "a\0b"};
  const size_t lengths[] = {3, 3};
  const int64_t dims[] = {2};
  tftrt_tensor *name = NULL, *greeting = NULL;
  CHECK_OK(tftrt_tensor_strings(names, lengths, 2, dims, 1, &name));
  const tftrt_named_tensor input = {"name", name};
  CHECK_OK(tftrt_model_run(greet, &input, 1, NULL, &greeting, 1));
  const char* text = NULL;
  size_t length = 0;
  CHECK(ViewOf(greeting).num_elements == 2);
  CHECK_OK(tftrt_tensor_get_string(greeting, 0, &text, &length));
  CHECK_TEXT(text, "hello you");
  CHECK_OK(tftrt_tensor_get_string(greeting, 1, &text, &length));
  CHECK(length == 9 && memcmp(text, "hello a\0b", 10) == 0);
  tftrt_tensor_free(greeting);
  tftrt_tensor_free(name);
  tftrt_model_free(greet);
  tftrt_model_free(model);
}

static void GiveBack(void* context) { *(volatile int*)context = 1; }

static void DeadlinesAreKept(void) {
  tftrt_model* model = LoadOnCpu(MODEL_PATH("slow"));
  int32_t steps = kForLong;
  static volatile int given_back = 0;
  tftrt_tensor *n = NULL, *output = NULL;
  CHECK_OK(tftrt_tensor_borrow(&steps, sizeof steps, TFTRT_INT32, NULL, 0, GiveBack, (void*)&given_back, &n));
  const tftrt_named_tensor input = {"n", n};
  tftrt_call_options options;
  tftrt_call_options_init(&options, sizeof options);
  options.timeout_us = 0;
  CHECK_FAILS(tftrt_model_run(model, &input, 1, &options, &output, 1), TFTRT_DEADLINE_EXCEEDED, "deadline");
  options.timeout_us = 200000;
  struct timespec begin, end;
  timespec_get(&begin, TIME_UTC);
  CHECK_FAILS(tftrt_model_run(model, &input, 1, &options, &output, 1), TFTRT_DEADLINE_EXCEEDED, "deadline");
  timespec_get(&end, TIME_UTC);
  const double seconds = difftime(end.tv_sec, begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) * 1e-9;
  CHECK(seconds >= 0.19);
  tftrt_tensor_free(n);
  CHECK(!given_back); /* the run goes on */
  CHECK(output == NULL);
  CHECK_OK(tftrt_model_close(model));
  CHECK_OK(tftrt_wait_for_queued_calls());
  CHECK(given_back);
  tftrt_model_free(model);
}

static int CancelSoon(void* cancellation) {
  const struct timespec soon = {.tv_nsec = 200000000};
  thrd_sleep(&soon, NULL);
  CHECK_OK(tftrt_cancellation_cancel(cancellation));
  return 0;
}

static void CallsCanBeCancelled(void) {
  tftrt_model* model = LoadOnCpu(MODEL_PATH("slow"));
  tftrt_tensor *n = Integer(kForLong), *output = NULL;
  const tftrt_named_tensor input = {"n", n};
  tftrt_cancellation* cancellation = NULL;
  CHECK_OK(tftrt_cancellation_new(&cancellation));
  tftrt_call_options options;
  tftrt_call_options_init(&options, sizeof options);
  options.cancellation = cancellation;
  thrd_t canceller;
  CHECK(thrd_create(&canceller, CancelSoon, cancellation) == thrd_success);
  CHECK_FAILS(tftrt_model_run(model, &input, 1, &options, &output, 1), TFTRT_CANCELLED, "cancelled");
  CHECK(thrd_join(canceller, NULL) == thrd_success);
  CHECK_FAILS(tftrt_model_run(model, &input, 1, &options, &output, 1), TFTRT_CANCELLED, "cancelled");
  tftrt_cancellation_free(cancellation);
  tftrt_tensor_free(n);
  tftrt_model_free(model);
  CHECK_OK(tftrt_wait_for_queued_calls());
}

int run_test(int argc, char** argv) {
  (void)argc, (void)argv;
  OutputsAreByName();
  WrongDTypesAndShapesAreErrors();
  StringsComeAndGo();
  DeadlinesAreKept();
  CallsCanBeCancelled();
  return 0;
}
