#ifndef TFTRT_C_API_SPEC_H_
#define TFTRT_C_API_SPEC_H_

#include <cstddef>
#include <string>
#include <vector>

#include "tftrt/c_api.h"
#include "tftrt/model.h"

namespace tftrt::c_api {

// Fills in the specification of this index, whose pointers are those of `specs`. Throws InvalidArgumentError if there
// is none; `what` is "input" or "output".
void GetSpec(const std::vector<TensorSpec>& specs, std::size_t index, const char* what, tftrt_tensor_spec* spec);

// The texts as C reads them; valid as long as they are.
std::vector<const char*> Pointers(const std::vector<std::string>& texts);

}  // namespace tftrt::c_api

#endif  // TFTRT_C_API_SPEC_H_
