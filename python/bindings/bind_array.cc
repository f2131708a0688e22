#include "array.h"
#include "bindings.h"

namespace tftrt::bindings {

namespace py = pybind11;

void BindArray(py::module_& module) {
  module.def(
      "empty",
      [](const Shape& shape, const py::dtype& dtype) {
        for (std::size_t i = 0; i < static_cast<std::size_t>(DType::kString); ++i) {
          const auto candidate = static_cast<DType>(i);
          if (dtype.equal(ToNumpy(candidate))) return ToNumpy(Tensor::Empty(candidate, shape));
        }
        throw InvalidArgumentError("no aligned arrays of numpy's dtype " + std::string(py::str(dtype)) +
                                   "; expected a number type in native byte order");
      },
      py::arg("shape"), py::arg("dtype"));
}

}  // namespace tftrt::bindings
