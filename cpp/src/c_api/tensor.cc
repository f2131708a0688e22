#include "c_api/tensor.h"

#include <memory>
#include <string>
#include <utility>

#include "c_api/arguments.h"
#include "c_api/status.h"
#include "c_api/versioned_struct.h"

namespace tftrt::c_api {
namespace {

// Tells the lender when its memory is needed no longer.
class Loan {
 public:
  Loan() = default;
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  ~Loan() {
    if (deleter_ != nullptr) deleter_(context_);
  }

  // From here on: a loan that did not come about is not given back.
  void Begin(tftrt_deleter deleter, void* context) {
    deleter_ = deleter;
    context_ = context;
  }

 private:
  tftrt_deleter deleter_ = nullptr;
  void* context_ = nullptr;
};

// Whoever is handed the memory's size and its shape reads no further than both say.
void CheckBytes(const Tensor& tensor, std::size_t num_bytes) {
  if (tensor.num_bytes() == num_bytes) return;
  throw InvalidArgumentError("num_bytes is " + std::to_string(num_bytes) + ", but " +
                             std::string(Name(tensor.dtype())) + ToString(tensor.shape()) + " has " +
                             std::to_string(tensor.num_bytes()) + " bytes");
}

template <typename Borrow>
tftrt_status* BorrowMemory(std::size_t num_bytes, tftrt_deleter deleter, void* context, tftrt_tensor** handle,
                           Borrow borrow) {
  return Guard([&] {
    RequireHandle(handle, "tensor");
    const auto loan = std::make_shared<Loan>();
    auto made = std::make_unique<tftrt_tensor>(tftrt_tensor{borrow(loan)});
    CheckBytes(made->tensor, num_bytes);
    loan->Begin(deleter, context);
    *handle = made.release();
  });
}

std::string& ElementOf(const tftrt_tensor* tensor, std::size_t index) {
  Require(tensor, "tensor");
  std::vector<std::string>& strings = const_cast<tftrt_tensor*>(tensor)->tensor.strings();
  CheckIndex(index, strings.size(), "string");
  return strings[index];
}

}  // namespace

void ViewTensor(const Tensor& tensor, tftrt_tensor_view* view) {
  Require(view, "view");
  tftrt_tensor_view value = {};
  value.dtype = static_cast<tftrt_dtype>(tensor.dtype());
  value.gpu = tensor.gpu();
  value.dims = tensor.shape().data();
  value.rank = tensor.shape().size();
  value.num_elements = tensor.num_elements();
  value.data = const_cast<void*>(tensor.data());
  value.num_bytes = tensor.num_bytes();
  WriteStruct(view, "tftrt_tensor_view", value);
}

std::vector<tftrt_tensor*> MakeHandles(std::vector<Tensor> tensors) {
  std::vector<std::unique_ptr<tftrt_tensor>> made;
  for (Tensor& tensor : tensors) made.push_back(std::make_unique<tftrt_tensor>(tftrt_tensor{std::move(tensor)}));
  std::vector<tftrt_tensor*> handles(made.size());
  for (std::size_t i = 0; i < made.size(); ++i) handles[i] = made[i].release();
  return handles;
}

}  // namespace tftrt::c_api

using namespace tftrt::c_api;
using tftrt::Tensor;

tftrt_status* tftrt_tensor_new(tftrt_dtype dtype, const int64_t* dims, size_t rank, tftrt_tensor** tensor) {
  return Guard([&] {
    RequireHandle(tensor, "tensor");
    *tensor = new tftrt_tensor{Tensor::Empty(DTypeFrom(dtype), ShapeFrom(dims, rank))};
  });
}

tftrt_status* tftrt_tensor_copy(const void* data, size_t num_bytes, tftrt_dtype dtype, const int64_t* dims, size_t rank,
                                tftrt_tensor** tensor) {
  return Guard([&] {
    RequireHandle(tensor, "tensor");
    // The sizes are compared before the elements are read.
    const Tensor lent = Tensor::Borrow(const_cast<void*>(data), DTypeFrom(dtype), ShapeFrom(dims, rank), nullptr);
    CheckBytes(lent, num_bytes);
    *tensor = new tftrt_tensor{Tensor::Copy(data, lent.dtype(), lent.shape())};
  });
}

tftrt_status* tftrt_tensor_borrow(void* data, size_t num_bytes, tftrt_dtype dtype, const int64_t* dims, size_t rank,
                                  tftrt_deleter deleter, void* context, tftrt_tensor** tensor) {
  return BorrowMemory(num_bytes, deleter, context, tensor, [&](std::shared_ptr<void> loan) {
    return Tensor::Borrow(data, DTypeFrom(dtype), ShapeFrom(dims, rank), std::move(loan));
  });
}

tftrt_status* tftrt_tensor_borrow_gpu(void* data, size_t num_bytes, tftrt_dtype dtype, const int64_t* dims, size_t rank,
                                      int32_t gpu, tftrt_deleter deleter, void* context, tftrt_tensor** tensor) {
  return BorrowMemory(num_bytes, deleter, context, tensor, [&](std::shared_ptr<void> loan) {
    return Tensor::BorrowGpu(data, DTypeFrom(dtype), ShapeFrom(dims, rank), gpu, std::move(loan));
  });
}

tftrt_status* tftrt_tensor_borrow_cuda(void* data, size_t num_bytes, tftrt_dtype dtype, const int64_t* dims,
                                       size_t rank, void* cuda_stream, tftrt_deleter deleter, void* context,
                                       tftrt_tensor** tensor) {
  return BorrowMemory(num_bytes, deleter, context, tensor, [&](std::shared_ptr<void> loan) {
    return Tensor::BorrowCuda(data, DTypeFrom(dtype), ShapeFrom(dims, rank), std::move(loan), cuda_stream);
  });
}

tftrt_status* tftrt_tensor_strings(const char* const* values, const size_t* lengths, size_t count, const int64_t* dims,
                                   size_t rank, tftrt_tensor** tensor) {
  return Guard([&] {
    RequireHandle(tensor, "tensor");
    if (count != 0) Require(values, "values");
    tftrt::Shape shape = ShapeFrom(dims, rank);
    std::vector<std::string> strings;
    for (std::size_t i = 0; i < count; ++i) {
      const bool empty = lengths != nullptr && lengths[i] == 0;
      if (!empty) Require(values[i], ("values[" + std::to_string(i) + "]").c_str());
      if (empty) {
        strings.emplace_back();
      } else if (lengths != nullptr) {
        strings.emplace_back(values[i], lengths[i]);
      } else {
        strings.emplace_back(values[i]);
      }
    }
    *tensor = new tftrt_tensor{Tensor::Strings(std::move(strings), std::move(shape))};
  });
}

tftrt_status* tftrt_tensor_share(const tftrt_tensor* tensor, tftrt_tensor** handle) {
  return Guard([&] {
    RequireHandle(handle, "handle");
    Require(tensor, "tensor");
    *handle = new tftrt_tensor{tensor->tensor};
  });
}

tftrt_status* tftrt_tensor_get_view(const tftrt_tensor* tensor, tftrt_tensor_view* view) {
  return Guard([&] {
    Require(tensor, "tensor");
    ViewTensor(tensor->tensor, view);
  });
}

tftrt_status* tftrt_tensor_get_string(const tftrt_tensor* tensor, size_t index, const char** data, size_t* length) {
  return Guard([&] {
    Clear(data, length);
    Require(data, "data");
    Require(length, "length");
    const std::string& element = ElementOf(tensor, index);
    *data = element.c_str();
    *length = element.size();
  });
}

tftrt_status* tftrt_tensor_set_string(tftrt_tensor* tensor, size_t index, const char* data, size_t length) {
  return Guard([&] {
    if (length != 0) Require(data, "data");
    std::string& element = ElementOf(tensor, index);
    element = length == 0 ? std::string() : std::string(data, length);
  });
}

tftrt_status* tftrt_tensor_copy_to(const tftrt_tensor* from, tftrt_tensor* to) {
  return Guard([&] {
    Require(from, "from");
    Require(to, "to");
    tftrt::CopyTensor(from->tensor, to->tensor);
  });
}

void tftrt_tensor_free(tftrt_tensor* tensor) { delete tensor; }
