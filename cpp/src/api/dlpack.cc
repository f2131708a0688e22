#include <dlpack/dlpack.h>

#include <cstring>

#include "tftrt/error.h"
#include "tftrt/tensor.h"

namespace tftrt {
namespace {

struct TypeEntry {
  DType dtype;
  DLDataType dl;
};

constexpr TypeEntry kTypes[] = {
    {DType::kFloat16, {kDLFloat, 16, 1}},
    {DType::kBFloat16, {kDLBfloat, 16, 1}},
    {DType::kFloat32, {kDLFloat, 32, 1}},
    {DType::kFloat64, {kDLFloat, 64, 1}},
    {DType::kInt8, {kDLInt, 8, 1}},
    {DType::kInt16, {kDLInt, 16, 1}},
    {DType::kInt32, {kDLInt, 32, 1}},
    {DType::kInt64, {kDLInt, 64, 1}},
    {DType::kUInt8, {kDLUInt, 8, 1}},
    {DType::kUInt16, {kDLUInt, 16, 1}},
    {DType::kUInt32, {kDLUInt, 32, 1}},
    {DType::kUInt64, {kDLUInt, 64, 1}},
    {DType::kBool, {kDLBool, 8, 1}},
    {DType::kComplex64, {kDLComplex, 64, 1}},
    {DType::kComplex128, {kDLComplex, 128, 1}},
};

DType FromDLType(const DLDataType& type) {
  for (const TypeEntry& entry : kTypes) {
    if (entry.dl.code == type.code && entry.dl.bits == type.bits && entry.dl.lanes == type.lanes) return entry.dtype;
  }
  throw UnsupportedError("DLPack element type (code " + std::to_string(type.code) + ", " + std::to_string(type.bits) +
                         " bits, " + std::to_string(type.lanes) + " lanes) has no tftrt dtype");
}

bool IsDense(const DLTensor& tensor) {
  if (tensor.strides == nullptr) return true;
  std::int64_t expected = 1;
  for (int i = tensor.ndim - 1; i >= 0; --i) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != expected) return false;
    expected *= tensor.shape[i];
  }
  return true;
}

// Copies dimension `dim` and those inside it; strides are in elements.
char* CopyStrided(const DLTensor& tensor, int dim, const char* source, char* target, std::int64_t element_size) {
  if (dim == tensor.ndim) {
    std::memcpy(target, source, static_cast<std::size_t>(element_size));
    return target + element_size;
  }
  for (std::int64_t i = 0; i < tensor.shape[dim]; ++i) {
    target = CopyStrided(tensor, dim + 1, source + i * tensor.strides[dim] * element_size, target, element_size);
  }
  return target;
}

struct ExportedTensor {
  DLManagedTensor managed = {};
  Tensor tensor;
  Shape shape;
};

}  // namespace

Tensor Tensor::FromDLPack(DLManagedTensor* managed) {
  if (managed == nullptr) throw InvalidArgumentError("Tensor::FromDLPack: the tensor is null");
  const std::shared_ptr<void> owner(managed, [](void* p) {
    auto* tensor = static_cast<DLManagedTensor*>(p);
    if (tensor->deleter != nullptr) tensor->deleter(tensor);
  });
  const DLTensor& dl = managed->dl_tensor;
  const bool on_gpu = dl.device.device_type == kDLCUDA;
  if (!on_gpu && dl.device.device_type != kDLCPU && dl.device.device_type != kDLCUDAHost) {
    throw UnsupportedError("the DLPack tensor is on device type " + std::to_string(dl.device.device_type) +
                           "; expected host memory (1, or 3 for pinned) or CUDA (2): copy it there first");
  }
  const DType dtype = FromDLType(dl.dtype);
  if (dl.ndim < 0 || (dl.ndim > 0 && dl.shape == nullptr)) {
    throw InvalidArgumentError("the DLPack tensor has " + std::to_string(dl.ndim) + " dimensions and no valid shape");
  }
  Shape shape(dl.shape, dl.shape + dl.ndim);
  char* data = static_cast<char*>(dl.data) + (dl.data == nullptr ? 0 : dl.byte_offset);
  if (on_gpu && !IsDense(dl)) {
    throw UnsupportedError("the DLPack tensor of shape " + ToString(shape) +
                           " on a GPU is not dense; make it contiguous first");
  }
  if (on_gpu) return BorrowGpu(data, dtype, std::move(shape), dl.device.device_id, owner);
  if (IsDense(dl)) return Borrow(data, dtype, std::move(shape), owner);
  Tensor copy = Empty(dtype, std::move(shape));
  if (copy.num_elements() != 0) {
    if (data == nullptr)
      throw InvalidArgumentError("the DLPack tensor has no data for shape " + ToString(copy.shape()));
    CopyStrided(dl, 0, data, static_cast<char*>(copy.data()), static_cast<std::int64_t>(ElementSize(dtype)));
  }
  return copy;
}

DLManagedTensor* Tensor::ToDLPack() const {
  if (!valid()) throw InvalidArgumentError("the tensor is empty: it was default-constructed or moved from");
  if (dtype_ == DType::kString) throw UnsupportedError("DLPack has no strings; read them with Tensor::strings()");
  auto exported = std::make_unique<ExportedTensor>();
  exported->tensor = *this;
  exported->shape = shape_;
  DLTensor& dl = exported->managed.dl_tensor;
  dl.data = data_;
  dl.device = on_gpu() ? DLDevice{kDLCUDA, gpu_} : DLDevice{kDLCPU, 0};
  dl.ndim = static_cast<std::int32_t>(shape_.size());
  for (const TypeEntry& entry : kTypes) {
    if (entry.dtype == dtype_) dl.dtype = entry.dl;
  }
  dl.shape = exported->shape.data();
  exported->managed.manager_ctx = exported.get();
  exported->managed.deleter = [](DLManagedTensor* self) { delete static_cast<ExportedTensor*>(self->manager_ctx); };
  return &exported.release()->managed;
}

}  // namespace tftrt
