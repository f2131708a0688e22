#ifndef TFTRT_TENSOR_H_
#define TFTRT_TENSOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tftrt/abi.h"
#include "tftrt/dtype.h"
#include "tftrt/export.h"

struct DLManagedTensor;  // dlpack.h, only needed by callers of the two DLPack functions

namespace tftrt {

using Shape = std::vector<std::int64_t>;

// "[2, 224, 224, 3]"; -1 is printed as "?".
TFTRT_EXPORT std::string ToString(const Shape& shape);

// Host memory that TensorFlow reads without a copy begins at a multiple of this many bytes.
inline constexpr std::size_t kTensorAlignment = 64;

// A dense, row-major array in host memory or on a GPU, with shared ownership.
//
// Copying a Tensor copies the handle: both see the same elements. A default-constructed Tensor holds nothing
// (valid() is false). Thread-safety is that of std::shared_ptr plus the elements: several threads may read, a
// writer needs to be alone.
//
// Tensors returned by Model::Run are the caller's: nothing else writes to or reads from their memory.
class TFTRT_EXPORT Tensor {
 public:
  Tensor() = default;
  Tensor(const Tensor&) = default;
  Tensor& operator=(const Tensor&) = default;
  // What is moved from holds nothing.
  Tensor(Tensor&& other) noexcept { Swap(other); }
  Tensor& operator=(Tensor&& other) noexcept {
    Tensor moved(std::move(other));
    Swap(moved);
    return *this;
  }
  ~Tensor() = default;

  // Uninitialised elements at an aligned address; strings are empty.
  // Throws InvalidArgumentError if a dimension is negative or the size does not fit into memory.
  static Tensor Empty(DType dtype, Shape shape);

  // A copy of the elements at `data`, which may be unaligned. Not for kString.
  static Tensor Copy(const void* data, DType dtype, Shape shape);

  // Borrows `data` for as long as any copy of the Tensor, or TensorFlow, needs it; `owner` is then released, on
  // whatever thread that happens. Not for kString. An address that is not a multiple of kTensorAlignment is
  // accepted, and costs a copy on every call that takes it as an input.
  static Tensor Borrow(void* data, DType dtype, Shape shape, std::shared_ptr<void> owner);

  // The same of memory on the GPU with this number, as CUDA counts them.
  static Tensor BorrowGpu(void* data, DType dtype, Shape shape, int gpu, std::shared_ptr<void> owner);

  // The same of memory on whatever GPU CUDA says. What is queued in that GPU's default stream from now on comes after
  // what is in `cuda_stream` (a cudaStream_t), which may be null. Throws InvalidArgumentError if `data` is on no GPU,
  // IncompatibleError without CUDA.
  static Tensor BorrowCuda(void* data, DType dtype, Shape shape, std::shared_ptr<void> owner, void* cuda_stream);

  // One element of `values` for each element of the tensor, in row-major order.
  static Tensor Strings(std::vector<std::string> values, Shape shape);

  // A copy of `values`; T is any type that DTypeOf() knows, save bool.
  template <typename T>
  static Tensor From(const std::vector<T>& values, Shape shape) {
    CheckCount(values.size(), shape);
    return Copy(values.data(), DTypeOf<T>(), std::move(shape));
  }

  // Takes over `tensor` and calls its deleter when done, also when this throws. Borrows its memory if that is dense,
  // on the host or on a CUDA device; copies what is strided on the host. Throws UnsupportedError for anything else and
  // for another element type.
  static Tensor FromDLPack(DLManagedTensor* tensor);

  // A view for another library; the caller calls its deleter. Throws UnsupportedError for strings.
  DLManagedTensor* ToDLPack() const;

  bool valid() const { return owner_ != nullptr; }
  // Number of the GPU that the elements are on; -1: they are in host memory.
  int gpu() const { return gpu_; }
  bool on_gpu() const { return gpu_ >= 0; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t num_elements() const { return num_elements_; }
  // Bytes of all elements; 0 for strings.
  std::size_t num_bytes() const { return static_cast<std::size_t>(num_elements_) * ElementSize(dtype_); }

  // First element, an address on the GPU if it is there; null for strings and for tensors without elements.
  void* data() { return data_; }
  const void* data() const { return data_; }

  // The same, typed. Throws InvalidArgumentError if T is not the tensor's element type.
  template <typename T>
  T* data() {
    CheckType(DTypeOf<T>());
    return static_cast<T*>(data_);
  }
  template <typename T>
  const T* data() const {
    CheckType(DTypeOf<T>());
    return static_cast<const T*>(data_);
  }

  // The elements of a string tensor, row-major. Throws InvalidArgumentError for any other dtype.
  std::vector<std::string>& strings();
  const std::vector<std::string>& strings() const;

  // What keeps the memory alive; for code that lends it on.
  const std::shared_ptr<void>& owner() const { return owner_; }

 private:
  Tensor(DType dtype, Shape shape, std::int64_t num_elements, void* data, std::shared_ptr<void> owner);

  void Swap(Tensor& other) noexcept {
    std::swap(dtype_, other.dtype_);
    shape_.swap(other.shape_);
    std::swap(num_elements_, other.num_elements_);
    std::swap(data_, other.data_);
    owner_.swap(other.owner_);
    std::swap(gpu_, other.gpu_);
  }

  static void CheckCount(std::size_t count, const Shape& shape);
  void CheckType(DType wanted) const;

  DType dtype_ = DType::kFloat32;
  Shape shape_;
  std::int64_t num_elements_ = 0;
  void* data_ = nullptr;
  std::shared_ptr<void> owner_;
  int gpu_ = -1;
};

// Copies the elements of `from` to the memory of `to`, between host and GPUs as they lie, after what was queued in
// CUDA's default stream, and waits for it. Throws InvalidArgumentError if dtype or shape differ, or for strings;
// IncompatibleError where a GPU's memory is concerned and there is no CUDA.
TFTRT_EXPORT void CopyTensor(const Tensor& from, Tensor& to);

}  // namespace tftrt

#endif  // TFTRT_TENSOR_H_
