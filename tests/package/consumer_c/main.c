/* Adds 1 to 1, 2, 3, 4 with the model given. */

#include <stdio.h>
#include <tftrt/c_api.h>

static int Report(tftrt_status* status) {
  fprintf(stderr, "%s\n", tftrt_status_message(status));
  tftrt_status_free(status);
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  tftrt_model* model = NULL;
  tftrt_status* status = tftrt_model_load(argv[1], NULL, &model);
  if (status != NULL) return Report(status);

  const float values[] = {1, 2, 3, 4};
  const int64_t dims[] = {1, 4};
  tftrt_tensor* x = NULL;
  status = tftrt_tensor_copy(values, sizeof values, TFTRT_FLOAT32, dims, 2, &x);
  if (status != NULL) return Report(status);

  const tftrt_named_tensor input = {"x", x};
  tftrt_tensor* y = NULL;
  status = tftrt_model_run(model, &input, 1, NULL, &y, 1);
  if (status != NULL) return Report(status);

  tftrt_tensor_view view = {.struct_size = sizeof view};
  status = tftrt_tensor_get_view(y, &view);
  if (status != NULL) return Report(status);
  const float* sums = view.data;
  printf("%g %g %g %g\n", (double)sums[0], (double)sums[1], (double)sums[2], (double)sums[3]);
  tftrt_tensor_free(y);
  tftrt_tensor_free(x);
  tftrt_model_free(model);
  return 0;
}
