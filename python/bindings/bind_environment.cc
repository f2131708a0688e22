#include "bindings.h"
#include "gil.h"

namespace tftrt::bindings {

namespace py = pybind11;

void BindEnvironment(py::module_& module) {
  py::class_<LibraryReport>(module, "LibraryReport", "A shared library that the GPU path needs, as found.")
      .def_readonly("name", &LibraryReport::name)
      .def_readonly("found", &LibraryReport::found)
      .def_readonly("path", &LibraryReport::path)
      .def_readonly("version", &LibraryReport::version)
      .def_readonly("detail", &LibraryReport::detail);
  py::class_<GpuReport>(module, "GpuReport", "A GPU, as far as engines depend on it.")
      .def_readonly("name", &GpuReport::name)
      .def_readonly("compute_capability", &GpuReport::compute_capability)
      .def_readonly("driver", &GpuReport::driver);
  py::class_<EnvironmentReport>(module, "EnvironmentReport", "Everything that a model may need, as found.")
      .def_readonly("tensorflow", &EnvironmentReport::tensorflow)
      .def_readonly("tensorrt", &EnvironmentReport::tensorrt)
      .def_readonly("cuda", &EnvironmentReport::cuda)
      .def_readonly("gpus", &EnvironmentReport::gpus);
  const auto unlocked = py::call_guard<GilRelease>();
  module.def("configure", &Configure, py::arg("options"), unlocked);
  module.def("inspect_environment", &InspectEnvironment, unlocked);
  module.def("set_tensorflow_hint", &SetTensorFlowHint, py::arg("directory"));
  module.def("open_tensorflow", &OpenTensorFlow, unlocked);
  module.def("wait_for_queued_calls", &WaitForQueuedCalls, unlocked);
  module.def("inspect_gpu", &InspectGpu, py::arg("index"), unlocked);
  module.def("open_tensorrt", [] { return OpenTensorRt(); }, unlocked);
}

}  // namespace tftrt::bindings
