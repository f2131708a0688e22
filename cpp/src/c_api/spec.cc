#include "c_api/spec.h"

#include "c_api/arguments.h"
#include "c_api/versioned_struct.h"

namespace tftrt::c_api {

void GetSpec(const std::vector<TensorSpec>& specs, std::size_t index, const char* what, tftrt_tensor_spec* spec) {
  Require(spec, "spec");
  const TensorSpec& found = At(specs, index, what);
  tftrt_tensor_spec value = {};
  value.name = found.name.c_str();
  value.dtype = static_cast<tftrt_dtype>(found.dtype);
  value.rank = found.known_rank ? static_cast<std::int32_t>(found.shape.size()) : -1;
  value.dims = found.shape.data();
  value.has_default = found.default_value.valid() ? 1 : 0;
  WriteStruct(spec, "tftrt_tensor_spec", value);
}

std::vector<const char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> pointers;
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  return pointers;
}

}  // namespace tftrt::c_api
