/* Tensors: of memory that is allocated, copied, borrowed; their views and strings. */

#include <stdint.h>

#include "models.h"

static void EveryDTypeHasANameAndASize(void) {
  const size_t sizes[] = {2, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 1, 8, 16, 0};
  const int64_t dims[] = {2, 3};
  for (tftrt_dtype dtype = TFTRT_FLOAT16; dtype <= TFTRT_STRING; ++dtype) {
    CHECK(tftrt_dtype_name(dtype) != NULL);
    CHECK(tftrt_dtype_size(dtype) == sizes[dtype]);
    tftrt_tensor* tensor = NULL;
    CHECK_OK(tftrt_tensor_new(dtype, dims, 2, &tensor));
    const tftrt_tensor_view view = ViewOf(tensor);
    CHECK(view.dtype == dtype && view.gpu == -1 && view.rank == 2 && view.dims[0] == 2 && view.dims[1] == 3);
    CHECK(view.num_elements == 6 && view.num_bytes == 6 * sizes[dtype]);
    CHECK((view.data == NULL) == (dtype == TFTRT_STRING));
    CHECK((uintptr_t)view.data % TFTRT_ALIGNMENT == 0);
    tftrt_tensor_free(tensor);
  }
  CHECK_TEXT(tftrt_dtype_name(TFTRT_BFLOAT16), "bfloat16");
  CHECK_TEXT(tftrt_dtype_name(TFTRT_STRING), "string");
  CHECK(tftrt_dtype_name(-1) == NULL && tftrt_dtype_name(TFTRT_STRING + 1) == NULL);
  CHECK(tftrt_dtype_size(-1) == 0 && tftrt_dtype_size(INT32_MAX) == 0);
}

static void WrongNumbersAreErrors(void) {
  tftrt_tensor* tensor = NULL;
  float values[4] = {0};
  const int64_t dims[] = {2, 2}, negative[] = {-1}, huge[] = {INT64_MAX, 16};
  CHECK_FAILS(tftrt_tensor_new(16, dims, 2, &tensor), TFTRT_INVALID_ARGUMENT, "16 is no dtype");
  CHECK_FAILS(tftrt_tensor_new(-1, dims, 2, &tensor), TFTRT_INVALID_ARGUMENT, "-1 is no dtype");
  CHECK_FAILS(tftrt_tensor_new(TFTRT_INT8, negative, 1, &tensor), TFTRT_INVALID_ARGUMENT, "negative dimension -1");
  CHECK_FAILS(tftrt_tensor_new(TFTRT_INT8, huge, 2, &tensor), TFTRT_INVALID_ARGUMENT, "more bytes than");
  CHECK_FAILS(tftrt_tensor_new(TFTRT_INT8, huge, 1, &tensor), TFTRT_INVALID_ARGUMENT, "no memory for");
  CHECK_FAILS(tftrt_tensor_new(TFTRT_STRING, huge, 1, &tensor), TFTRT_INVALID_ARGUMENT, "[9223372036854775807]");
  CHECK_FAILS(tftrt_tensor_new(TFTRT_INT8, dims, 255, &tensor), TFTRT_INVALID_ARGUMENT, "the rank is 255");
  CHECK_FAILS(tftrt_tensor_copy(values, 12, TFTRT_FLOAT32, dims, 2, &tensor), TFTRT_INVALID_ARGUMENT,
              "num_bytes is 12, but float32[2, 2] has 16 bytes");
  CHECK_FAILS(tftrt_tensor_borrow(values, 17, TFTRT_FLOAT32, dims, 2, NULL, NULL, &tensor), TFTRT_INVALID_ARGUMENT,
              "num_bytes is 17");
  CHECK_FAILS(tftrt_tensor_copy(values, 0, TFTRT_STRING, dims, 2, &tensor), TFTRT_INVALID_ARGUMENT, "string");
  CHECK_FAILS(tftrt_tensor_borrow_gpu(values, 16, TFTRT_FLOAT32, dims, 2, -1, NULL, NULL, &tensor),
              TFTRT_INVALID_ARGUMENT, "gpu is -1");
  CHECK(tensor == NULL);
}

static void Count(void* context) { ++*(int*)context; }

static void BorrowedMemoryIsGivenBackOnce(void) {
  float values[] = {1, 2};
  const int64_t dims[] = {2};
  int given_back = 0;
  tftrt_tensor *tensor = NULL, *other = NULL;
  CHECK_FAILS(tftrt_tensor_borrow(values, 4, TFTRT_FLOAT32, dims, 1, Count, &given_back, &tensor),
              TFTRT_INVALID_ARGUMENT, "num_bytes");
  CHECK_FAILS(tftrt_tensor_borrow(values, 8, 99, dims, 1, Count, &given_back, &tensor), TFTRT_INVALID_ARGUMENT,
              "dtype");
  CHECK(given_back == 0);
  CHECK_OK(tftrt_tensor_borrow(values, 8, TFTRT_FLOAT32, dims, 1, Count, &given_back, &tensor));
  CHECK(ViewOf(tensor).data == values);
  CHECK_OK(tftrt_tensor_share(tensor, &other));
  tftrt_tensor_free(tensor);
  CHECK(given_back == 0);
  CHECK(ViewOf(other).data == values);
  tftrt_tensor_free(other);
  CHECK(given_back == 1);
}

static void AGpuTensorSaysWhereItIs(void) {
  float values[] = {1, 2}; /* not looked at */
  const int64_t dims[] = {2};
  int given_back = 0;
  tftrt_tensor* tensor = NULL;
  CHECK_OK(tftrt_tensor_borrow_gpu(values, 8, TFTRT_FLOAT32, dims, 1, 3, Count, &given_back, &tensor));
  CHECK(ViewOf(tensor).gpu == 3 && ViewOf(tensor).data == values);
  tftrt_tensor_free(tensor);
  CHECK(given_back == 1);
}

static void CopiesAreOnesOwn(void) {
  float values[] = {1, 2};
  tftrt_tensor *from = Floats(values, 1, 2), *to = NULL;
  values[0] = 7;
  CheckFloats(from, 1, 2);
  const int64_t dims[] = {1, 2}, other[] = {2};
  CHECK_OK(tftrt_tensor_new(TFTRT_FLOAT32, dims, 2, &to));
  CHECK_OK(tftrt_tensor_copy_to(from, to));
  CheckFloats(to, 1, 2);
  tftrt_tensor_free(to);
  CHECK_OK(tftrt_tensor_new(TFTRT_FLOAT32, other, 1, &to));
  CHECK_FAILS(tftrt_tensor_copy_to(from, to), TFTRT_INVALID_ARGUMENT, "cannot be copied");
  tftrt_tensor_free(to);
  tftrt_tensor_free(from);
}

static void StringsMayHaveNuls(void) {
  const char* values[] = {"one", "t\0o", NULL};
  const size_t lengths[] = {3, 3, 0};
  const int64_t dims[] = {3}, two[] = {2};
  const char* text = NULL;
  size_t length = 0;
  tftrt_tensor* tensor = NULL;
  CHECK_FAILS(tftrt_tensor_strings(values, NULL, 3, dims, 1, &tensor), TFTRT_INVALID_ARGUMENT, "values[2] is NULL");
  CHECK_FAILS(tftrt_tensor_strings(values, lengths, 3, two, 1, &tensor), TFTRT_INVALID_ARGUMENT, "has 2 elements");
  CHECK_OK(tftrt_tensor_strings(values, NULL, 2, two, 1, &tensor));
  CHECK_OK(tftrt_tensor_get_string(tensor, 1, &text, &length));
  CHECK(length == 1 && text[0] == 't' && text[1] == '\0');
  tftrt_tensor_free(tensor);
  CHECK_OK(tftrt_tensor_strings(values, lengths, 3, dims, 1, &tensor));
  CHECK_OK(tftrt_tensor_get_string(tensor, 1, &text, &length));
  CHECK(length == 3 && memcmp(text, "t\0o", 4) == 0);
  CHECK_OK(tftrt_tensor_get_string(tensor, 2, &text, &length));
  CHECK(length == 0 && *text == '\0');
  CHECK_OK(tftrt_tensor_set_string(tensor, 0, "another", 7));
  CHECK_OK(tftrt_tensor_set_string(tensor, 1, NULL, 0));
  CHECK_OK(tftrt_tensor_get_string(tensor, 0, &text, &length));
  CHECK_TEXT(text, "another");
  CHECK_OK(tftrt_tensor_get_string(tensor, 1, &text, &length));
  CHECK(length == 0);
  CHECK_FAILS(tftrt_tensor_get_string(tensor, 3, &text, &length), TFTRT_INVALID_ARGUMENT, "there is no string 3");
  CHECK(text == NULL && length == 0);
  tftrt_tensor_free(tensor);
  const float floats[] = {1, 2};
  tensor = Floats(floats, 1, 2);
  CHECK_FAILS(tftrt_tensor_get_string(tensor, 0, &text, &length), TFTRT_INVALID_ARGUMENT, "holds float32");
  tftrt_tensor_free(tensor);
}

int tensor_test(int argc, char** argv) {
  (void)argc, (void)argv;
  EveryDTypeHasANameAndASize();
  WrongNumbersAreErrors();
  BorrowedMemoryIsGivenBackOnce();
  AGpuTensorSaysWhereItIs();
  CopiesAreOnesOwn();
  StringsMayHaveNuls();
  return 0;
}
