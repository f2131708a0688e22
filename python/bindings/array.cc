#include "array.h"

#include <dlpack/dlpack.h>
#include <pybind11/gil_safe_call_once.h>

#include <array>
#include <optional>

#include "gil.h"

namespace tftrt::bindings {
namespace {

namespace py = pybind11;

constexpr std::size_t kDTypes = static_cast<std::size_t>(DType::kString) + 1;

// Numpy's dtypes in the order of DType. Never freed: arrays may outlive the module.
const std::array<py::dtype, kDTypes>& NumpyDTypes() {
  // The import gives up the GIL: a plain static would let a second thread wait for the first while holding it.
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<std::array<py::dtype, kDTypes>> storage;
  return storage
      .call_once_and_store_result([] {
        std::array<py::dtype, kDTypes> all;
        for (std::size_t i = 0; i < kDTypes; ++i) {
          const auto dtype = static_cast<DType>(i);
          if (dtype == DType::kBFloat16) {
            all[i] = py::dtype::from_args(py::module_::import("ml_dtypes").attr("bfloat16"));
          } else {
            all[i] = py::dtype::from_args(py::str(dtype == DType::kString ? "object" : std::string(Name(dtype))));
          }
        }
        return all;
      })
      .get_stored();
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

Shape ShapeOf(const py::array& array) { return Shape(array.shape(), array.shape() + array.ndim()); }

std::string ToBytes(py::handle element, const TensorSpec& spec) {
  if (PyBytes_Check(element.ptr()) != 0) return element.cast<py::bytes>();
  std::string problem = "a " + std::string(py::str(py::type::handle_of(element).attr("__name__")));
  if (PyUnicode_Check(element.ptr()) != 0) {
    Py_ssize_t size = 0;
    if (const char* text = PyUnicode_AsUTF8AndSize(element.ptr(), &size)) {
      return std::string(text, static_cast<std::size_t>(size));
    }
    PyErr_Clear();
    problem += " that has no UTF-8 form";
  }
  throw InvalidArgumentError("input \"" + spec.name + "\" holds " + problem + "; expected " + ToString(spec) +
                             ", each element bytes or str");
}

Tensor StringsToTensor(const py::array& array, const TensorSpec& spec) {
  std::vector<std::string> strings;
  strings.reserve(static_cast<std::size_t>(array.size()));
  for (py::handle element : array.attr("ravel")().attr("tolist")()) strings.push_back(ToBytes(element, spec));
  return Tensor::Strings(std::move(strings), ShapeOf(array));
}

Tensor ArrayToTensor(py::array array, const TensorSpec& spec) {
  const py::dtype dtype_object = array.dtype();
  const std::optional<DType> dtype = FromNumpy(dtype_object);
  if (!dtype || (dtype_object.kind() == 'O' && spec.dtype != DType::kString)) {
    throw InvalidArgumentError("input \"" + spec.name + "\" has numpy's dtype " + std::string(py::str(dtype_object)) +
                               "; expected " + ToString(spec));
  }
  if (*dtype == DType::kString) return StringsToTensor(array, spec);
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

// DLPack's number for CUDA's default stream.
constexpr int kLegacyDefaultStream = 1;

// Whether DLPack says that `value` is in host memory. Throws UnsupportedError if it is neither there nor on a CUDA
// device.
bool IsOnHost(py::handle value) {
  if (!py::hasattr(value, "__dlpack_device__")) return true;
  const auto device = value.attr("__dlpack_device__")().cast<py::tuple>();
  const int type = py::int_(device[0]);
  if (type != kDLCPU && type != kDLCUDAHost && type != kDLCUDA) {
    throw UnsupportedError("an input is on DLPack's device type " + std::to_string(type) +
                           "; expected the host or a CUDA device: copy it there first");
  }
  return type != kDLCUDA;
}

// `copied` is set to whether the tensor has memory of its own.
Tensor DLPackToTensor(py::handle value, bool* copied = nullptr) {
  // On a GPU: after what is in the default stream, which is where tftrt looks for it.
  const py::object capsule =
      IsOnHost(value) ? value.attr("__dlpack__")() : value.attr("__dlpack__")(py::arg("stream") = kLegacyDefaultStream);
  auto* managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
  if (managed == nullptr) throw py::error_already_set();
  if (PyCapsule_SetName(capsule.ptr(), "used_dltensor") != 0) throw py::error_already_set();
  const void* data = static_cast<const char*>(managed->dl_tensor.data) + managed->dl_tensor.byte_offset;
  Tensor tensor = Tensor::FromDLPack(managed);
  if (copied != nullptr) *copied = tensor.num_elements() != 0 && tensor.data() != data;
  return tensor;
}

// Numba's arrays and their like, which have no __dlpack__.
Tensor CudaArrayToTensor(py::handle value, const TensorSpec& spec) {
  const auto interface = value.attr("__cuda_array_interface__").cast<py::dict>();
  const std::optional<DType> dtype = FromNumpy(py::dtype::from_args(interface["typestr"]));
  if (!dtype || *dtype == DType::kString) {
    throw InvalidArgumentError("input \"" + spec.name + "\" has CUDA's type string " +
                               std::string(py::str(interface["typestr"])) + "; expected " + ToString(spec));
  }
  if (interface.contains("strides") && !interface["strides"].is_none()) {
    throw UnsupportedError("input \"" + spec.name + "\" on a GPU has strides; make it contiguous first");
  }
  const auto data = interface["data"].cast<py::tuple>()[0].cast<std::uintptr_t>();
  const bool has_stream = interface.contains("stream") && !interface["stream"].is_none();
  const auto stream = has_stream ? interface["stream"].cast<std::uintptr_t>() : std::uintptr_t{0};
  return Tensor::BorrowCuda(reinterpret_cast<void*>(data), *dtype, interface["shape"].cast<Shape>(),
                            Share(py::reinterpret_borrow<py::object>(value)), reinterpret_cast<void*>(stream));
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
  if (py::hasattr(value, "__dlpack__")) return DLPackToTensor(value);
  if (py::hasattr(value, "__cuda_array_interface__")) return CudaArrayToTensor(value, spec);
  const py::object to_array = py::module_::import("tftrt._values").attr("to_array");
  return ArrayToTensor(py::array(to_array(value, ToNumpy(spec.dtype), ToString(spec))), spec);
}

Tensor ToTensorInPlace(py::handle value, const TensorSpec& spec, Access access) {
  bool copied = true;
  Tensor tensor;
  if (py::isinstance<py::array>(value)) {
    const auto array = py::reinterpret_borrow<py::array>(value);
    if (access == Access::kWrite && !array.writeable()) {
      throw InvalidArgumentError("output \"" + spec.name + "\" cannot be bound to an array that is read-only");
    }
    tensor = ArrayToTensor(array, spec);
    copied = tensor.dtype() == DType::kString || (tensor.num_elements() != 0 && tensor.data() != array.data());
  } else if (py::hasattr(value, "__dlpack__")) {
    tensor = DLPackToTensor(value, &copied);
  } else if (py::hasattr(value, "__cuda_array_interface__")) {
    return CudaArrayToTensor(value, spec);
  }
  if (copied) {
    throw InvalidArgumentError(
        (access == Access::kRead ? "input \"" : "output \"") + spec.name + "\" cannot be bound to this " +
        std::string(py::str(py::type::handle_of(value).attr("__name__"))) + ": only a copy of it could be " +
        (access == Access::kRead ? "read. Expected a shape, or " : "written. Expected ") +
        "a C-contiguous array of numbers in native byte order");
  }
  return tensor;
}

}  // namespace tftrt::bindings
