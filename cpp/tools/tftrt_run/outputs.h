#ifndef TFTRT_TOOLS_TFTRT_RUN_OUTPUTS_H_
#define TFTRT_TOOLS_TFTRT_RUN_OUTPUTS_H_

#include <string>

#include "tftrt/tensor.h"

namespace tftrt::run {

// Dtype, shape, range (of complex numbers: of their magnitudes) and first elements:
// "float32[1, 10]: 0.012 to 0.31, mean 0.1; 0.1 0.012 ...".
std::string Summarise(const Tensor& tensor);

}  // namespace tftrt::run

#endif  // TFTRT_TOOLS_TFTRT_RUN_OUTPUTS_H_
