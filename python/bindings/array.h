#ifndef TFTRT_BINDINGS_ARRAY_H_
#define TFTRT_BINDINGS_ARRAY_H_

#include "bindings.h"

namespace tftrt::bindings {

// Numpy's dtype; object for strings, ml_dtypes' for bfloat16.
pybind11::dtype ToNumpy(DType dtype);

// An array that owns a share of the tensor's memory; strings become an object array of bytes.
pybind11::object ToNumpy(const Tensor& tensor);

// Borrows or copies whatever `value` is: an array, an object with __dlpack__ or __array__, or Python numbers and
// strings, which become `spec`'s dtype. The dtypes of arrays are kept, so that Model::Run can refuse them.
Tensor ToTensor(pybind11::handle value, const TensorSpec& spec);

enum class Access { kRead, kWrite };

// The same of memory that stays `value`'s own, for inputs (kRead) and outputs (kWrite) that are bound. Throws
// InvalidArgumentError if only a copy could be read or written: strings, numbers, an array that is not C-contiguous.
Tensor ToTensorInPlace(pybind11::handle value, const TensorSpec& spec, Access access = Access::kRead);

}  // namespace tftrt::bindings

#endif  // TFTRT_BINDINGS_ARRAY_H_
