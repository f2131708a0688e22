#ifndef TFTRT_C_API_MODEL_H_
#define TFTRT_C_API_MODEL_H_

#include <string>
#include <vector>

#include "tftrt/c_api.h"
#include "tftrt/model.h"

struct tftrt_model {
  explicit tftrt_model(tftrt::Model loaded);
  tftrt_model(const tftrt_model&) = delete;
  tftrt_model& operator=(const tftrt_model&) = delete;

  tftrt::Model model;

  // Arrays as C reads them, of what does not change.
  const std::vector<std::string> signatures;
  const std::vector<const char*> signature_pointers;
  const std::vector<const char*> tag_pointers;
  std::vector<const char*> load_phases;
  std::vector<double> load_seconds;
};

#endif  // TFTRT_C_API_MODEL_H_
