#ifndef TFTRT_C_API_OPTIONS_H_
#define TFTRT_C_API_OPTIONS_H_

#include <string>
#include <vector>

#include "tftrt/c_api.h"
#include "tftrt/call.h"
#include "tftrt/model.h"
#include "tftrt/options.h"

// The option structs as C++ has them. All throw InvalidArgumentError for what cannot be read; null gives the defaults.
namespace tftrt::c_api {

ModelOptions ModelOptionsFrom(const tftrt_model_options* options);
RuntimeOptions RuntimeOptionsFrom(const tftrt_runtime_options* options);

// A timeout begins now.
CallOptions CallOptionsFrom(const tftrt_call_options* options);

// What Model::Bind takes besides the inputs.
struct BindOptions {
  std::vector<std::string> outputs;
  std::vector<std::string> on_gpu;
  NamedTensors into;
};
BindOptions BindOptionsFrom(const tftrt_bind_options* options);

}  // namespace tftrt::c_api

#endif  // TFTRT_C_API_OPTIONS_H_
