#include "tf/tensor_conversion.h"

#include <cstdint>
#include <cstring>

#include "gpu/transfer.h"
#include "tensorflow/core/framework/allocation_description.pb.h"
#include "tf/lent_buffer.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

struct TypeEntry {
  DType dtype;
  tensorflow::DataType type;
};

constexpr TypeEntry kTypes[] = {
    {DType::kFloat16, tensorflow::DT_HALF},
    {DType::kBFloat16, tensorflow::DT_BFLOAT16},
    {DType::kFloat32, tensorflow::DT_FLOAT},
    {DType::kFloat64, tensorflow::DT_DOUBLE},
    {DType::kInt8, tensorflow::DT_INT8},
    {DType::kInt16, tensorflow::DT_INT16},
    {DType::kInt32, tensorflow::DT_INT32},
    {DType::kInt64, tensorflow::DT_INT64},
    {DType::kUInt8, tensorflow::DT_UINT8},
    {DType::kUInt16, tensorflow::DT_UINT16},
    {DType::kUInt32, tensorflow::DT_UINT32},
    {DType::kUInt64, tensorflow::DT_UINT64},
    {DType::kBool, tensorflow::DT_BOOL},
    {DType::kComplex64, tensorflow::DT_COMPLEX64},
    {DType::kComplex128, tensorflow::DT_COMPLEX128},
    {DType::kString, tensorflow::DT_STRING},
};

bool Equal(const tensorflow::TensorShape& a, const Shape& b) {
  if (static_cast<std::size_t>(a.dims()) != b.size()) return false;
  for (int i = 0; i < a.dims(); ++i) {
    if (a.dim_size(i) != b[static_cast<std::size_t>(i)]) return false;
  }
  return true;
}

}  // namespace

bool IsAligned(const void* data) { return reinterpret_cast<std::uintptr_t>(data) % kTensorAlignment == 0; }

std::optional<DType> FromTensorFlow(tensorflow::DataType type) {
  for (const TypeEntry& entry : kTypes) {
    if (entry.type == type) return entry.dtype;
  }
  return std::nullopt;
}

tensorflow::DataType ToTensorFlow(DType dtype) {
  static_assert(kTypes[static_cast<std::size_t>(DType::kString)].dtype == DType::kString, "in the order of DType");
  return kTypes[static_cast<std::size_t>(dtype)].type;
}

tensorflow::Tensor ToTensorFlow(const Tensor& tensor, bool copy) {
  const tensorflow::DataType type = ToTensorFlow(tensor.dtype());
  const tensorflow::TensorShape shape = ToTensorFlow(tensor.shape());
  if (tensor.num_elements() == 0) return tensorflow::Tensor(type, shape);

  if (!copy && !tensor.on_gpu() && tensor.dtype() != DType::kString && IsAligned(tensor.data())) {
    return tensorflow::Tensor(type, shape,
                              tensorflow::core::RefCountPtr<tensorflow::TensorBuffer>(new LentBuffer(
                                  const_cast<void*>(tensor.data()), tensor.num_bytes(), tensor.owner())));
  }
  tensorflow::Tensor result(type, shape);
  if (!result.IsInitialized()) {
    throw InternalError("no memory for an input of " + std::to_string(tensor.num_bytes()) + " bytes");
  }
  if (tensor.dtype() == DType::kString) {
    auto elements = result.flat<tensorflow::tstring>();
    const std::vector<std::string>& strings = tensor.strings();
    if (strings.size() != static_cast<std::size_t>(tensor.num_elements())) {
      throw InvalidArgumentError("a string tensor of shape " + ToString(tensor.shape()) + " holds " +
                                 std::to_string(strings.size()) + " strings: strings() was resized");
    }
    for (std::size_t i = 0; i < strings.size(); ++i) elements(static_cast<std::int64_t>(i)) = strings[i];
  } else {
    CopyElements(tensor, result.data());
  }
  return result;
}

void CopyFromTensorFlow(const tensorflow::Tensor& tensor, Tensor& result) {
  const bool fits = result.valid() && result.dtype() != DType::kString &&
                    ToTensorFlow(result.dtype()) == tensor.dtype() && Equal(tensor.shape(), result.shape());
  if (!fits) {
    // The copy refers to the same elements, which makes it copy them.
    result = FromTensorFlow(tensorflow::Tensor(tensor));
  } else if (result.num_bytes() != 0) {
    std::memcpy(result.data(), tensor.data(), result.num_bytes());
  }
}

Tensor FromTensorFlow(tensorflow::Tensor&& tensor) {
  const std::optional<DType> dtype = FromTensorFlow(tensor.dtype());
  if (!dtype)
    throw UnsupportedError("an output has TensorFlow's dtype " + tensorflow::DataTypeString(tensor.dtype()) +
                           ", which has no equal outside it");
  Shape shape = FromTensorFlow(tensor.shape());
  if (*dtype == DType::kString) {
    const auto elements = tensor.flat<tensorflow::tstring>();
    std::vector<std::string> strings;
    strings.reserve(static_cast<std::size_t>(elements.size()));
    for (std::int64_t i = 0; i < elements.size(); ++i) strings.emplace_back(elements(i));
    return Tensor::Strings(std::move(strings), std::move(shape));
  }
  if (tensor.NumElements() == 0) return Tensor::Empty(*dtype, std::move(shape));
  // Also refers to a variable, a constant or an input otherwise: then the caller must not be able to write to it.
  if (!tensor.RefCountIsOne()) return Tensor::Copy(tensor.data(), *dtype, std::move(shape));
  void* data = tensor.data();
  return Tensor::Borrow(data, *dtype, std::move(shape), std::make_shared<tensorflow::Tensor>(std::move(tensor)));
}

}  // namespace tftrt
