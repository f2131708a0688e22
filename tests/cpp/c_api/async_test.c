/* Calls in threads of the model's. */

#include <threads.h>

#include "models.h"

/* What the callbacks were given. */
typedef struct {
  mtx_t mutex;
  cnd_t changed;
  int calls;
  int errors;
  tftrt_code code;
  float sum;
} results;

static void Start(results* results) {
  memset(results, 0, sizeof *results);
  CHECK(mtx_init(&results->mutex, mtx_plain) == thrd_success);
  CHECK(cnd_init(&results->changed) == thrd_success);
}

static void WaitFor(results* results, int calls) {
  mtx_lock(&results->mutex);
  while (results->calls < calls) cnd_wait(&results->changed, &results->mutex);
  mtx_unlock(&results->mutex);
}

static void Done(void* context, tftrt_status* status, tftrt_tensor** outputs, size_t num_outputs) {
  results* results = context;
  mtx_lock(&results->mutex);
  if (status == NULL) {
    CHECK(num_outputs == 1);
    const tftrt_tensor_view view = ViewOf(outputs[0]);
    if (view.dtype == TFTRT_FLOAT32) results->sum += ((const float*)view.data)[0];
    tftrt_tensor_free(outputs[0]);
  } else {
    CHECK(num_outputs == 0);
    ++results->errors;
    results->code = tftrt_status_code(status);
    tftrt_status_free(status);
  }
  ++results->calls;
  cnd_signal(&results->changed);
  mtx_unlock(&results->mutex);
}

static void ManyCallsAtOnce(void) {
  results results;
  Start(&results);
  tftrt_model* model = LoadOnCpu(MODEL_PATH("add"));
  float expected = 0;
  for (int i = 0; i < 100; ++i) {
    const float values[] = {(float)i, 0, 0, 0};
    tftrt_tensor* x = Floats(values, 1, 4);
    const tftrt_named_tensor input = {"x", x};
    CHECK_OK(tftrt_model_run_async(model, &input, 1, NULL, Done, &results));
    tftrt_tensor_free(x); /* the call keeps its memory */
    expected += (float)(i + 1);
  }
  tftrt_model_free(model); /* the calls keep it */
  WaitFor(&results, 100);
  CHECK(results.errors == 0 && results.sum == expected);
}

static void ErrorsAreAtOnceOrInTheCallback(void) {
  results results;
  Start(&results);
  tftrt_model *model = LoadOnCpu(MODEL_PATH("several")), *positive = NULL;
  CHECK_OK(tftrt_model_with_signature(model, "positive", &positive));
  tftrt_tensor* n = Integer(-1);
  const tftrt_named_tensor wrong = {"z", n}, refused = {"n", n};
  CHECK_FAILS(tftrt_model_run_async(positive, &wrong, 1, NULL, Done, &results), TFTRT_INVALID_ARGUMENT, "\"z\"");
  CHECK(results.calls == 0);
  CHECK_OK(tftrt_model_run_async(positive, &refused, 1, NULL, Done, &results));
  WaitFor(&results, 1);
  CHECK(results.errors == 1 && results.code == TFTRT_INVALID_ARGUMENT);

  tftrt_cancellation* cancellation = NULL;
  CHECK_OK(tftrt_cancellation_new(&cancellation));
  CHECK_OK(tftrt_cancellation_cancel(cancellation));
  tftrt_call_options options;
  tftrt_call_options_init(&options, sizeof options);
  options.cancellation = cancellation;
  CHECK_OK(tftrt_model_run_async(positive, &refused, 1, &options, Done, &results));
  tftrt_cancellation_free(cancellation); /* the call keeps it */
  WaitFor(&results, 2);
  CHECK(results.code == TFTRT_CANCELLED);

  options.cancellation = NULL;
  options.timeout_us = 0;
  CHECK_OK(tftrt_model_run_async(positive, &refused, 1, &options, Done, &results));
  WaitFor(&results, 3);
  CHECK(results.code == TFTRT_DEADLINE_EXCEEDED);
  CHECK_OK(tftrt_model_close(model));
  CHECK_FAILS(tftrt_model_run_async(positive, &refused, 1, NULL, Done, &results), TFTRT_INVALID_ARGUMENT, "is closed");
  tftrt_tensor_free(n);
  tftrt_model_free(positive);
  tftrt_model_free(model);
}

static void TooManyCallsAreTurnedAway(void) {
  results results;
  Start(&results);
  tftrt_model_options options = OnCpu();
  options.max_queued_calls = 3;
  tftrt_model* model = NULL;
  CHECK_OK(tftrt_model_load(MODEL_PATH("slow"), &options, &model));
  tftrt_tensor* n = Integer(50000);
  const tftrt_named_tensor input = {"n", n};
  int made = 0;
  tftrt_status* status = NULL;
  while (status == NULL && made < 1000) {
    status = tftrt_model_run_async(model, &input, 1, NULL, Done, &results);
    made += status == NULL;
  }
  CHECK_FAILS(status, TFTRT_RESOURCE_EXHAUSTED, "3 calls waiting already");
  WaitFor(&results, made);
  CHECK(results.errors == 0);
  tftrt_tensor_free(n);
  tftrt_model_free(model);
}

int async_test(int argc, char** argv) {
  (void)argc, (void)argv;
  ManyCallsAtOnce();
  ErrorsAreAtOnceOrInTheCallback();
  TooManyCallsAreTurnedAway();
  return 0;
}
