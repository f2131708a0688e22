#include "array.h"

#include <dlpack/dlpack.h>

#include <array>
#include <optional>

namespace tftrt::bindings {
namespace {

namespace py = pybind11;

constexpr std::size_t kDTypes = static_cast<std::size_t>(DType::kString) + 1;

// Numpy's dtypes in the order of DType. Never freed: arrays may outlive the module.
const std::array<py::dtype, kDTypes>& NumpyDTypes() {
  static const auto* dtypes = [] {
    auto* all = new std::array<py::dtype, kDTypes>();
    for (std::size_t i = 0; i < kDTypes; ++i) {
      const auto dtype = static_cast<DType>(i);
      if (dtype == DType::kBFloat16) {
        (*all)[i] = py::dtype::from_args(py::module_::import("ml_dtypes").attr("bfloat16"));
      } else {
        (*all)[i] = py::dtype::from_args(py::str(dtype == DType::kString ? "object" : std::string(Name(dtype))));
      }
    }
    return all;
  }();
  return *dtypes;
}

std::optional<DType> FromNumpy(const py::dtype& dtype) {
  const std::array<py::dtype, kDTypes>& all = NumpyDTypes();
  for (std::size_t i = 0; i < kDTypes; ++i) {
    if (all[i].is(dtype) || all[i].num() == dtype.num()) return static_cast<DType>(i);
  }
  // Types of the same size have several numbers (long and long long).
  for (std::size_t i = 0; i < kDTypes; ++i) {
    if (all[i].kind() == dtype.kind() && all[i].itemsize() == dtype.itemsize() && dtype.kind() != 'V')
      return static_cast<DType>(i);
  }
  if (dtype.kind() == 'S' || dtype.kind() == 'U') return DType::kString;
  return std::nullopt;
}

bool IsFinalizing() {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsFinalizing() != 0;
#else
  return _Py_IsFinalizing() != 0;
#endif
}

// A share of a Python object that any thread may drop: TensorFlow releases what it borrowed in threads of its own.
std::shared_ptr<void> Share(py::object object) {
  return std::shared_ptr<void>(object.release().ptr(), [](void* pointer) {
    auto* object = static_cast<PyObject*>(pointer);
    if (PyGILState_Check() != 0) {
      Py_DECREF(object);
    } else if (!IsFinalizing()) {
      // While the interpreter ends, a thread that asks for the GIL never returns; the memory is about to go anyway.
      const py::gil_scoped_acquire gil;
      Py_DECREF(object);
    }
  });
}

Shape ShapeOf(const py::array& array) { return Shape(array.shape(), array.shape() + array.ndim()); }

std::string ToBytes(py::handle element) {
  if (PyBytes_Check(element.ptr()) != 0) return element.cast<py::bytes>();
  if (PyUnicode_Check(element.ptr()) != 0) return element.cast<std::string>();
  throw InvalidArgumentError("a string input holds " +
                             std::string(py::str(py::type::handle_of(element).attr("__name__"))) +
                             "; expected bytes or str");
}

Tensor StringsToTensor(const py::array& array) {
  std::vector<std::string> strings;
  strings.reserve(static_cast<std::size_t>(array.size()));
  for (py::handle element : array.attr("ravel")().attr("tolist")()) strings.push_back(ToBytes(element));
  return Tensor::Strings(std::move(strings), ShapeOf(array));
}

Tensor ArrayToTensor(py::array array, const TensorSpec& spec) {
  const py::dtype dtype_object = array.dtype();
  const std::optional<DType> dtype = FromNumpy(dtype_object);
  if (!dtype) {
    throw InvalidArgumentError("input \"" + spec.name + "\" has numpy's dtype " + std::string(py::str(dtype_object)) +
                               "; expected " + ToString(spec));
  }
  if (*dtype == DType::kString) return StringsToTensor(array);
  const char order = dtype_object.byteorder();
  if (order == '>' || (array.flags() & py::array::c_style) == 0) {
    array = py::array(py::module_::import("numpy")
                          .attr("ascontiguousarray")(array, NumpyDTypes()[static_cast<std::size_t>(*dtype)])
                          .attr("reshape")(array.attr("shape")));
  }
  Shape shape = ShapeOf(array);
  void* data = const_cast<void*>(array.data());
  return Tensor::Borrow(data, *dtype, std::move(shape), Share(std::move(array)));
}

Tensor DLPackToTensor(py::handle value) {
  const py::object capsule = value.attr("__dlpack__")();
  auto* managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
  if (managed == nullptr) throw py::error_already_set();
  if (PyCapsule_SetName(capsule.ptr(), "used_dltensor") != 0) throw py::error_already_set();
  return Tensor::FromDLPack(managed);
}

bool IsOnHost(py::handle value) {
  if (!py::hasattr(value, "__dlpack_device__")) return true;
  const auto device = value.attr("__dlpack_device__")().cast<py::tuple>();
  const int type = py::int_(device[0]);
  return type == kDLCPU || type == kDLCUDAHost;
}

}  // namespace

py::dtype ToNumpy(DType dtype) { return NumpyDTypes()[static_cast<std::size_t>(dtype)]; }

py::object ToNumpy(const Tensor& tensor) {
  const py::dtype dtype = ToNumpy(tensor.dtype());
  if (tensor.dtype() == DType::kString) {
    py::list elements;
    for (const std::string& element : tensor.strings()) elements.append(py::bytes(element));
    py::array array(dtype, tensor.shape());
    array.attr("ravel")().attr("__setitem__")(py::ellipsis(), elements);
    return std::move(array);
  }
  using Owner = std::shared_ptr<void>;
  const py::capsule owner(new Owner(tensor.owner()), [](void* pointer) { delete static_cast<Owner*>(pointer); });
  return py::array(dtype, tensor.shape(), tensor.num_elements() == 0 ? nullptr : tensor.data(), owner);
}

Tensor ToTensor(py::handle value, const TensorSpec& spec) {
  if (py::isinstance<py::array>(value)) return ArrayToTensor(py::reinterpret_borrow<py::array>(value), spec);
  if (py::hasattr(value, "__dlpack__") && IsOnHost(value)) return DLPackToTensor(value);
  if (py::hasattr(value, "__dlpack_device__") && !IsOnHost(value)) {
    throw UnsupportedError("input \"" + spec.name + "\" is on a GPU; copy it to the host first");
  }
  const py::object numpy = py::module_::import("numpy");
  // Arrays keep their dtype; Python's own numbers and lists have none to keep.
  const py::object array = py::hasattr(value, "__array__") ? numpy.attr("asarray")(value)
                                                           : numpy.attr("asarray")(value, ToNumpy(spec.dtype));
  return ArrayToTensor(py::array(array), spec);
}

}  // namespace tftrt::bindings
