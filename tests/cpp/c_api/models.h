#ifndef TFTRT_TESTS_CPP_C_API_MODELS_H_
#define TFTRT_TESTS_CPP_C_API_MODELS_H_

#include "check.h"

#define MODEL_PATH(name) TFTRT_TEST_MODELS_DIR "/" name

/* On the CPU also where there is a GPU. */
static inline tftrt_model_options OnCpu(void) {
  tftrt_model_options options;
  tftrt_model_options_init(&options, sizeof options);
  options.device = "cpu";
  return options;
}

static inline tftrt_model* LoadOnCpu(const char* path) {
  const tftrt_model_options options = OnCpu();
  tftrt_model* model = NULL;
  CHECK_OK(tftrt_model_load(path, &options, &model));
  CHECK(model != NULL);
  return model;
}

static inline tftrt_tensor_view ViewOf(const tftrt_tensor* tensor) {
  tftrt_tensor_view view = {.struct_size = sizeof view};
  CHECK_OK(tftrt_tensor_get_view(tensor, &view));
  return view;
}

static inline tftrt_tensor* Floats(const float* values, int64_t rows, int64_t columns) {
  const int64_t dims[] = {rows, columns};
  tftrt_tensor* tensor = NULL;
  CHECK_OK(tftrt_tensor_copy(values, (size_t)(rows * columns) * sizeof *values, TFTRT_FLOAT32, dims, 2, &tensor));
  return tensor;
}

static inline tftrt_tensor* Integer(int32_t value) {
  tftrt_tensor* tensor = NULL;
  CHECK_OK(tftrt_tensor_copy(&value, sizeof value, TFTRT_INT32, NULL, 0, &tensor));
  return tensor;
}

static inline void CheckFloats(const tftrt_tensor* tensor, float first, float second) {
  const tftrt_tensor_view view = ViewOf(tensor);
  CHECK(view.dtype == TFTRT_FLOAT32 && view.num_elements >= 2);
  CHECK(((const float*)view.data)[0] == first && ((const float*)view.data)[1] == second);
}

#endif /* TFTRT_TESTS_CPP_C_API_MODELS_H_ */
