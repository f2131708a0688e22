#ifndef TFTRT_TOOLS_COMMON_HALF_H_
#define TFTRT_TOOLS_COMMON_HALF_H_

#include <cstdint>

namespace tftrt::tools {

// Numbers of 16 bits as tensors hold them, bit patterns, and as C++ computes with them. To one is rounded to the
// nearest, ties to even; what is too large becomes infinity.
float FromFloat16(std::uint16_t bits);
float FromBFloat16(std::uint16_t bits);
std::uint16_t ToFloat16(float value);
std::uint16_t ToBFloat16(float value);

}  // namespace tftrt::tools

#endif  // TFTRT_TOOLS_COMMON_HALF_H_
