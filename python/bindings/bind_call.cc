#include "python_outcome.h"

namespace tftrt::bindings {

namespace py = pybind11;

void BindCall(py::module_& module) {
  py::class_<Cancellation>(module, "Cancellation", "tftrt::Cancellation: gives up calls.")
      .def("cancel", &Cancellation::Cancel, py::call_guard<py::gil_scoped_release>());
  py::class_<PythonOutcome>(module, "Outcome", "What a call in another thread came to.")
      .def("result", &PythonOutcome::Result, "Return the arrays by name, or raise what the call raised.");
}

}  // namespace tftrt::bindings
