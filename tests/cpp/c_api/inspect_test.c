/* SavedModels that are read without being loaded. */

#include "models.h"

static void SignaturesAndOps(void) {
  tftrt_saved_model* saved = NULL;
  CHECK_OK(tftrt_inspect_saved_model(MODEL_PATH("several"), NULL, 0, &saved));
  tftrt_saved_model_info info = {.struct_size = sizeof info};
  CHECK_OK(tftrt_saved_model_get_info(saved, &info));
  CHECK(info.num_tags == 1 && info.num_tag_sets == 1 && info.num_signatures == 6);
  CHECK_TEXT(info.tags[0], "serve");
  CHECK_TEXT(info.manifest, "");
  int found = 0;
  for (size_t i = 0; i < info.num_signatures; ++i) {
    tftrt_signature_info signature = {.struct_size = sizeof signature};
    CHECK_OK(tftrt_saved_model_get_signature(saved, i, &signature));
    if (strcmp(signature.name, "sparse") == 0) {
      CHECK(*signature.unsupported != '\0');
    } else {
      CHECK_TEXT(signature.unsupported, "");
    }
    if (strcmp(signature.name, "serving_default") != 0) continue;
    ++found;
    CHECK(signature.num_inputs == 2 && signature.num_outputs == 3);
    tftrt_tensor_spec spec = {.struct_size = sizeof spec};
    CHECK_OK(tftrt_saved_model_get_input(saved, i, 0, &spec));
    CHECK_TEXT(spec.name, "a");
    CHECK(spec.dtype == TFTRT_FLOAT32 && spec.rank == 2 && spec.dims[0] == -1 && spec.dims[1] == 2);
    CHECK_OK(tftrt_saved_model_get_output(saved, i, 0, &spec));
    CHECK_TEXT(spec.name, "difference");
    CHECK_FAILS(tftrt_saved_model_get_input(saved, i, 2, &spec), TFTRT_INVALID_ARGUMENT, "there is no input 2");
    CHECK_FAILS(tftrt_saved_model_get_output(saved, 6, 0, &spec), TFTRT_INVALID_ARGUMENT, "there is no signature 6");
  }
  CHECK(found == 1);
  int64_t placeholders = 0, count = 0;
  for (size_t i = 0; i < info.num_ops; ++i) {
    const char* type = NULL;
    CHECK_OK(tftrt_saved_model_get_op(saved, i, &type, &count));
    if (strcmp(type, "Placeholder") == 0) placeholders = count;
  }
  CHECK(placeholders == 5);
  const char* type = "mine";
  count = 7;
  CHECK_FAILS(tftrt_saved_model_get_op(saved, info.num_ops, &type, &count), TFTRT_INVALID_ARGUMENT, "there is no op");
  CHECK(type == NULL && count == 0);
  tftrt_saved_model_free(saved);
}

static void DefaultsAndUnavailableOutputs(void) {
  tftrt_saved_model* saved = NULL;
  CHECK_OK(tftrt_inspect_saved_model(MODEL_PATH("defaults"), NULL, 0, &saved));
  tftrt_signature_info signature = {.struct_size = sizeof signature};
  CHECK_OK(tftrt_saved_model_get_signature(saved, 1, &signature));
  CHECK_TEXT(signature.name, "serving_default");
  CHECK(signature.num_inputs == 3 && signature.num_outputs == 3 && signature.num_unavailable == 2);
  const int64_t has_default[] = {1, 1, 0}; /* scale, unit, x */
  for (size_t i = 0; i < 3; ++i) {
    tftrt_tensor_spec spec = {.struct_size = sizeof spec};
    CHECK_OK(tftrt_saved_model_get_input(saved, 1, i, &spec));
    CHECK(spec.has_default == has_default[i]);
  }
  const char *name = NULL, *reason = NULL;
  CHECK_OK(tftrt_saved_model_get_unavailable(saved, 1, 1, &name, &reason));
  CHECK_TEXT(name, "sparse");
  CHECK_TEXT(reason, "it is sparse");
  CHECK_FAILS(tftrt_saved_model_get_unavailable(saved, 1, 2, &name, &reason), TFTRT_INVALID_ARGUMENT,
              "there is no unavailable output 2");
  CHECK(name == NULL && reason == NULL);
  tftrt_saved_model_free(saved);
}

static void CallsMayLeaveInputsOut(void) {
  tftrt_model* model = LoadOnCpu(MODEL_PATH("defaults"));
  float values[] = {1, 2};
  const int64_t dims[] = {1, 2};
  tftrt_tensor* x = NULL;
  CHECK_OK(tftrt_tensor_copy(values, sizeof values, TFTRT_FLOAT32, dims, 2, &x));
  const tftrt_named_tensor input = {"x", x};
  tftrt_tensor* outputs[3] = {NULL, NULL, NULL}; /* label, scale, y */
  CHECK_OK(tftrt_model_run(model, &input, 1, NULL, outputs, 3));
  tftrt_tensor_view view = {.struct_size = sizeof view};
  CHECK_OK(tftrt_tensor_get_view(outputs[2], &view));
  CHECK(((const float*)view.data)[0] == 3 && ((const float*)view.data)[1] == 6);
  for (size_t i = 0; i < 3; ++i) tftrt_tensor_free(outputs[i]);
  tftrt_tensor_free(x);
  tftrt_model_free(model);
}

static void TagSetsAndManifest(void) {
  const char *tags[] = {"serve", "double"}, *unknown[] = {"train"};
  tftrt_saved_model* saved = NULL;
  CHECK_OK(tftrt_inspect_saved_model(MODEL_PATH("add"), tags, 2, &saved));
  tftrt_saved_model_info info = {.struct_size = sizeof info};
  CHECK_OK(tftrt_saved_model_get_info(saved, &info));
  CHECK(info.num_tags == 2 && info.num_tag_sets == 2);
  const char* const* set = NULL;
  size_t num_tags = 0;
  CHECK_OK(tftrt_saved_model_get_tag_set(saved, 0, &set, &num_tags));
  CHECK(num_tags == 1);
  CHECK_OK(tftrt_saved_model_get_tag_set(saved, 1, &set, &num_tags));
  CHECK(num_tags == 2);
  CHECK_FAILS(tftrt_saved_model_get_tag_set(saved, 2, &set, &num_tags), TFTRT_INVALID_ARGUMENT, "tag set 2");
  CHECK(set == NULL && num_tags == 0);
  tftrt_saved_model_free(saved);

  CHECK_FAILS(tftrt_inspect_saved_model(MODEL_PATH("add"), unknown, 1, &saved), TFTRT_INVALID_ARGUMENT, "train");
  CHECK(saved == NULL);
  CHECK_FAILS(tftrt_inspect_saved_model(MODEL_PATH("add"), NULL, 1, &saved), TFTRT_INVALID_ARGUMENT, "tags is NULL");
  CHECK_FAILS(tftrt_inspect_saved_model("/no/such/model", NULL, 0, &saved), TFTRT_MODEL_ERROR, "/no/such/model");
  CHECK_OK(tftrt_inspect_saved_model(MODEL_PATH("converted"), NULL, 0, &saved));
  CHECK_OK(tftrt_saved_model_get_info(saved, &info));
  CHECK(strstr(info.manifest, "\"format_version\": 1") != NULL);
  tftrt_saved_model_free(saved);
}

int inspect_test(int argc, char** argv) {
  (void)argc, (void)argv;
  SignaturesAndOps();
  DefaultsAndUnavailableOutputs();
  CallsMayLeaveInputsOut();
  TagSetsAndManifest();
  return 0;
}
