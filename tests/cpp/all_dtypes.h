#ifndef TFTRT_TESTS_CPP_ALL_DTYPES_H_
#define TFTRT_TESTS_CPP_ALL_DTYPES_H_

#include "tftrt/dtype.h"

namespace tftrt {

inline constexpr DType kPlainDTypes[] = {
    DType::kFloat16, DType::kBFloat16, DType::kFloat32, DType::kFloat64,   DType::kInt8,
    DType::kInt16,   DType::kInt32,    DType::kInt64,   DType::kUInt8,     DType::kUInt16,
    DType::kUInt32,  DType::kUInt64,   DType::kBool,    DType::kComplex64, DType::kComplex128,
};

}  // namespace tftrt

#endif  // TFTRT_TESTS_CPP_ALL_DTYPES_H_
