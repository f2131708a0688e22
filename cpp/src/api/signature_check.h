#ifndef TFTRT_API_SIGNATURE_CHECK_H_
#define TFTRT_API_SIGNATURE_CHECK_H_

#include <cstddef>
#include <string>
#include <vector>

#include "tftrt/model.h"

namespace tftrt {

// Index of `name` in `specs`. Throws InvalidArgumentError that lists the names there are; `what` is "input" or
// "output".
std::size_t IndexOf(const std::vector<TensorSpec>& specs, const std::string& name, const char* what,
                    const std::string& signature);

// Index of the output `name`. Throws InvalidArgumentError as above, UnsupportedError for an output that no call can
// return.
std::size_t OutputIndex(const SignatureSpec& signature, const std::string& name);

// Throws InvalidArgumentError if dtype, rank or a fixed dimension of `tensor` is not that of `spec`; `what` is "input"
// or "output".
void CheckTensor(const TensorSpec& spec, const Tensor& tensor, const char* what);
inline void CheckInput(const TensorSpec& spec, const Tensor& tensor) { CheckTensor(spec, tensor, "input"); }

// The same of a shape alone.
void CheckShape(const TensorSpec& spec, const Shape& shape, const char* what = "input");

// `inputs` in the order of the signature's, with default values for those that are left out. Throws
// InvalidArgumentError if one is missing, unknown or given twice, or does not fit.
std::vector<const Tensor*> OrderInputs(const SignatureSpec& signature, const NamedTensors& inputs);

}  // namespace tftrt

#endif  // TFTRT_API_SIGNATURE_CHECK_H_
