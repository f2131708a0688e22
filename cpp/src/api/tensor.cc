#include "tftrt/tensor.h"

#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include "tftrt/error.h"

namespace tftrt {
namespace {

// TensorFlow's own limit: byte sizes are signed 64-bit.
constexpr std::int64_t kMaxBytes = std::numeric_limits<std::int64_t>::max();

// Shape's number of elements, having checked that they can be addressed.
std::int64_t CheckedCount(DType dtype, const Shape& shape) {
  const auto element_size =
      static_cast<std::int64_t>(dtype == DType::kString ? sizeof(std::string) : ElementSize(dtype));
  std::int64_t count = 1;
  bool overflow = false;
  for (std::int64_t dim : shape) {
    if (dim < 0) {
      throw InvalidArgumentError("shape " + ToString(shape) + " has the negative dimension " + std::to_string(dim) +
                                 "; a tensor's dimensions are 0 or more");
    }
    overflow |= __builtin_mul_overflow(count, dim, &count);
  }
  for (std::int64_t dim : shape) {
    if (dim == 0) return 0;
  }
  if (overflow || count > kMaxBytes / element_size) {
    throw InvalidArgumentError("shape " + ToString(shape) + " of " + std::string(Name(dtype)) +
                               " has more bytes than a tensor can hold (2^63)");
  }
  return count;
}

void RequirePlain(DType dtype, const char* function) {
  if (dtype == DType::kString) {
    throw InvalidArgumentError(std::string("Tensor::") + function +
                               " takes fixed-size elements; make string tensors with Tensor::Strings");
  }
}

// A place to point the owner at when there are no bytes to own.
std::shared_ptr<void> NothingToOwn() {
  static const std::shared_ptr<void> nothing = std::make_shared<char>();
  return nothing;
}

}  // namespace

std::string ToString(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i != 0) text += ", ";
    text += shape[i] == -1 ? "?" : std::to_string(shape[i]);
  }
  return text + "]";
}

Tensor::Tensor(DType dtype, Shape shape, std::int64_t num_elements, void* data, std::shared_ptr<void> owner)
    : dtype_(dtype), shape_(std::move(shape)), num_elements_(num_elements), data_(data), owner_(std::move(owner)) {}

Tensor Tensor::Empty(DType dtype, Shape shape) {
  const std::int64_t count = CheckedCount(dtype, shape);
  if (dtype == DType::kString) {
    std::vector<std::string> strings;
    try {
      strings.resize(static_cast<std::size_t>(count));
    } catch (const std::exception&) {  // std::length_error or std::bad_alloc
      throw InvalidArgumentError("no memory for a tensor of " + std::to_string(count) + " strings, shape " +
                                 ToString(shape));
    }
    return Strings(std::move(strings), std::move(shape));
  }
  const std::size_t bytes = static_cast<std::size_t>(count) * ElementSize(dtype);
  if (bytes == 0) return Tensor(dtype, std::move(shape), count, nullptr, NothingToOwn());
  // aligned_alloc wants a multiple of the alignment.
  const std::size_t padded = (bytes + kTensorAlignment - 1) / kTensorAlignment * kTensorAlignment;
  void* data = padded < bytes ? nullptr : std::aligned_alloc(kTensorAlignment, padded);
  if (data == nullptr) {
    throw InvalidArgumentError("no memory for a tensor of " + std::to_string(bytes) + " bytes, shape " +
                               ToString(shape));
  }
  return Tensor(dtype, std::move(shape), count, data, std::shared_ptr<void>(data, std::free));
}

Tensor Tensor::Copy(const void* data, DType dtype, Shape shape) {
  RequirePlain(dtype, "Copy");
  Tensor tensor = Empty(dtype, std::move(shape));
  if (tensor.num_bytes() != 0) {
    if (data == nullptr) throw InvalidArgumentError("Tensor::Copy: data is null for shape " + ToString(tensor.shape()));
    std::memcpy(tensor.data_, data, tensor.num_bytes());
  }
  return tensor;
}

Tensor Tensor::Borrow(void* data, DType dtype, Shape shape, std::shared_ptr<void> owner) {
  RequirePlain(dtype, "Borrow");
  const std::int64_t count = CheckedCount(dtype, shape);
  if (count != 0 && data == nullptr) {
    throw InvalidArgumentError("Tensor::Borrow: data is null for shape " + ToString(shape));
  }
  if (owner == nullptr) {
    // A null pointer may come with a deleter, which has to wait all the same.
    owner = owner.use_count() == 0 ? NothingToOwn() : std::shared_ptr<void>(owner, NothingToOwn().get());
  }
  return Tensor(dtype, std::move(shape), count, data, std::move(owner));
}

Tensor Tensor::BorrowGpu(void* data, DType dtype, Shape shape, int gpu, std::shared_ptr<void> owner) {
  if (gpu < 0) throw InvalidArgumentError("Tensor::BorrowGpu: gpu is " + std::to_string(gpu) + "; expected 0 or more");
  Tensor tensor = Borrow(data, dtype, std::move(shape), std::move(owner));
  tensor.gpu_ = gpu;
  return tensor;
}

Tensor Tensor::Strings(std::vector<std::string> values, Shape shape) {
  const std::int64_t count = CheckedCount(DType::kString, shape);
  CheckCount(values.size(), shape);
  return Tensor(DType::kString, std::move(shape), count, nullptr,
                std::make_shared<std::vector<std::string>>(std::move(values)));
}

std::vector<std::string>& Tensor::strings() {
  CheckType(DType::kString);
  if (!valid()) throw InvalidArgumentError("the tensor is empty: it was default-constructed or moved from");
  return *static_cast<std::vector<std::string>*>(owner_.get());
}

const std::vector<std::string>& Tensor::strings() const { return const_cast<Tensor*>(this)->strings(); }

void Tensor::CheckCount(std::size_t count, const Shape& shape) {
  // DType::kBool's elements have one byte, the loosest bound.
  const std::int64_t wanted = CheckedCount(DType::kBool, shape);
  if (count != static_cast<std::size_t>(wanted)) {
    throw InvalidArgumentError("shape " + ToString(shape) + " has " + std::to_string(wanted) + " elements, but " +
                               std::to_string(count) + " values were given");
  }
}

void Tensor::CheckType(DType wanted) const {
  if (wanted != dtype_) {
    throw InvalidArgumentError("the tensor holds " + std::string(Name(dtype_)) + ", not " + std::string(Name(wanted)));
  }
}

}  // namespace tftrt
