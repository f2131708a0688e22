#ifndef TFTRT_TESTS_FUZZ_INSPECTION_H_
#define TFTRT_TESTS_FUZZ_INSPECTION_H_

#include <cstdlib>
#include <cstring>

#include "tftrt/c_api.h"

// An error is an answer; it has a message. Returns whether there was none.
inline bool Succeeded(tftrt_status* status) {
  if (status == nullptr) return true;
  if (std::strlen(tftrt_status_message(status)) == 0) std::abort();
  tftrt_status_free(status);
  return false;
}

inline void Expect(bool condition) {
  if (!condition) std::abort();
}

template <typename T>
T Sized() {
  T value = {};
  value.struct_size = sizeof value;
  return value;
}

// Reads all that there is to know about a SavedModel.
inline void ReadAll(const tftrt_saved_model* saved) {
  auto info = Sized<tftrt_saved_model_info>();
  Expect(Succeeded(tftrt_saved_model_get_info(saved, &info)));
  std::size_t total = std::strlen(info.manifest);
  for (std::size_t i = 0; i < info.num_tag_sets; ++i) {
    const char* const* tags = nullptr;
    std::size_t num_tags = 0;
    Expect(Succeeded(tftrt_saved_model_get_tag_set(saved, i, &tags, &num_tags)));
    for (std::size_t j = 0; j < num_tags; ++j) total += std::strlen(tags[j]);
  }
  for (std::size_t i = 0; i < info.num_signatures; ++i) {
    auto signature = Sized<tftrt_signature_info>();
    auto spec = Sized<tftrt_tensor_spec>();
    Expect(Succeeded(tftrt_saved_model_get_signature(saved, i, &signature)));
    total += std::strlen(signature.name);
    for (std::size_t j = 0; j < signature.num_inputs + signature.num_outputs; ++j) {
      const bool input = j < signature.num_inputs;
      Expect(Succeeded(input ? tftrt_saved_model_get_input(saved, i, j, &spec)
                             : tftrt_saved_model_get_output(saved, i, j - signature.num_inputs, &spec)));
      for (std::int32_t k = 0; k < spec.rank; ++k) Expect(spec.dims[k] >= -1);
      Expect(tftrt_dtype_name(spec.dtype) != nullptr);
    }
    for (std::size_t j = 0; j < signature.num_unavailable; ++j) {
      const char *name = nullptr, *reason = nullptr;
      Expect(Succeeded(tftrt_saved_model_get_unavailable(saved, i, j, &name, &reason)));
      total += std::strlen(name) + std::strlen(reason);
    }
  }
  for (std::size_t i = 0; i < info.num_ops; ++i) {
    const char* type = nullptr;
    std::int64_t count = 0;
    Expect(Succeeded(tftrt_saved_model_get_op(saved, i, &type, &count)));
    Expect(count > 0);
    total += std::strlen(type);
  }
  // Keeps the lengths from being optimised away.
  volatile std::size_t used = total;
  (void)used;
}

#endif  // TFTRT_TESTS_FUZZ_INSPECTION_H_
