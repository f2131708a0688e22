#include "gpu_array.h"

#include <dlpack/dlpack.h>

#include "array.h"

namespace tftrt::bindings {

namespace py = pybind11;

namespace {

void ReleaseUnused(PyObject* capsule) {
  // A consumer renames the capsule and calls the deleter itself.
  if (PyCapsule_IsValid(capsule, "dltensor") == 0) return;
  auto* managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule, "dltensor"));
  managed->deleter(managed);
}

py::capsule ToDLPack(const GpuArray& array) {
  DLManagedTensor* managed = array.tensor().ToDLPack();
  PyObject* capsule = PyCapsule_New(managed, "dltensor", ReleaseUnused);
  if (capsule == nullptr) {
    managed->deleter(managed);
    throw py::error_already_set();
  }
  return py::reinterpret_steal<py::capsule>(capsule);
}

py::dict CudaArrayInterface(const GpuArray& array) {
  const Tensor& tensor = array.tensor();
  py::dict interface;
  interface["shape"] = py::tuple(py::cast(tensor.shape()));
  interface["typestr"] = ToNumpy(tensor.dtype()).attr("str");
  interface["data"] = py::make_tuple(reinterpret_cast<std::uintptr_t>(tensor.data()), false);
  interface["strides"] = py::none();
  interface["version"] = 3;
  // Whatever wrote it is over.
  interface["stream"] = py::none();
  return interface;
}

py::object ToHost(const GpuArray& array) {
  Tensor host = Tensor::Empty(array.tensor().dtype(), array.tensor().shape());
  {
    const py::gil_scoped_release unlocked;
    CopyTensor(array.tensor(), host);
  }
  return ToNumpy(host);
}

void Fill(const GpuArray& array, py::handle value) {
  Tensor target = array.tensor();
  TensorSpec spec;
  spec.name = "value";
  spec.dtype = target.dtype();
  spec.shape = target.shape();
  const Tensor source = ToTensor(value, spec);
  const py::gil_scoped_release unlocked;
  CopyTensor(source, target);
}

}  // namespace

py::object ToArray(const Tensor& tensor) {
  return tensor.on_gpu() ? py::cast(std::make_unique<GpuArray>(tensor)) : ToNumpy(tensor);
}

void BindGpuArray(py::module_& module) {
  py::class_<GpuArray>(
      module, "GpuArray",
      "An array on a GPU, of a Runner's inputs or outputs.\n\n"
      "Other libraries see it without a copy: ``torch.from_dlpack(array)``, ``cupy.asarray(array)``.\n\n"
      "Source: python/bindings/gpu_array.cc")
      .def_property_readonly("shape", [](const GpuArray& self) { return py::tuple(py::cast(self.tensor().shape())); })
      .def_property_readonly(
          "dtype", [](const GpuArray& self) { return ToNumpy(self.tensor().dtype()); }, "Numpy's dtype.")
      .def_property_readonly(
          "gpu", [](const GpuArray& self) { return self.tensor().gpu(); }, "Number of the GPU that it is on.")
      .def("numpy", &ToHost, "Return a copy on the host, made after what was queued in CUDA's default stream.")
      .def("fill", &Fill, py::arg("value"),
           "Copy an array of the same dtype and shape into it, from the host or a GPU, and wait for that.\n\n"
           "Raises:\n    InvalidArgumentError: Dtype or shape differ.")
      .def(
          "__dlpack__", [](const GpuArray& self, py::handle) { return ToDLPack(self); }, py::arg("stream") = py::none())
      .def("__dlpack_device__",
           [](const GpuArray& self) { return py::make_tuple(static_cast<int>(kDLCUDA), self.tensor().gpu()); })
      .def_property_readonly("__cuda_array_interface__", &CudaArrayInterface)
      .def("__repr__", [](const GpuArray& self) {
        return "<tftrt.GpuArray " + std::string(Name(self.tensor().dtype())) + ToString(self.tensor().shape()) +
               " on gpu:" + std::to_string(self.tensor().gpu()) + ">";
      });
}

}  // namespace tftrt::bindings
