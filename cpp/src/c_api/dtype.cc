#include "tftrt/dtype.h"

#include "tftrt/c_api.h"

namespace tftrt::c_api {
namespace {

constexpr bool Same(tftrt_dtype number, DType dtype) { return number == static_cast<tftrt_dtype>(dtype); }

// The numbers are those of the enumeration, which may be appended to and not reordered.
static_assert(Same(TFTRT_FLOAT16, DType::kFloat16) && Same(TFTRT_BFLOAT16, DType::kBFloat16) &&
              Same(TFTRT_FLOAT32, DType::kFloat32) && Same(TFTRT_FLOAT64, DType::kFloat64) &&
              Same(TFTRT_INT8, DType::kInt8) && Same(TFTRT_INT16, DType::kInt16) && Same(TFTRT_INT32, DType::kInt32) &&
              Same(TFTRT_INT64, DType::kInt64) && Same(TFTRT_UINT8, DType::kUInt8) &&
              Same(TFTRT_UINT16, DType::kUInt16) && Same(TFTRT_UINT32, DType::kUInt32) &&
              Same(TFTRT_UINT64, DType::kUInt64) && Same(TFTRT_BOOL, DType::kBool) &&
              Same(TFTRT_COMPLEX64, DType::kComplex64) && Same(TFTRT_COMPLEX128, DType::kComplex128) &&
              Same(TFTRT_STRING, DType::kString));

bool IsDType(tftrt_dtype dtype) { return dtype >= TFTRT_FLOAT16 && dtype <= TFTRT_STRING; }

}  // namespace
}  // namespace tftrt::c_api

// Names are literals, which end with a NUL.
const char* tftrt_dtype_name(tftrt_dtype dtype) {
  return tftrt::c_api::IsDType(dtype) ? tftrt::Name(static_cast<tftrt::DType>(dtype)).data() : nullptr;
}

size_t tftrt_dtype_size(tftrt_dtype dtype) {
  return tftrt::c_api::IsDType(dtype) ? tftrt::ElementSize(static_cast<tftrt::DType>(dtype)) : 0;
}
