#include "python_runner.h"

namespace tftrt::bindings {

namespace py = pybind11;

void BindRunner(py::module_& module) {
  py::class_<PythonRunner>(
      module, "Runner",
      "A signature bound to arrays that stay where they are; Model.bind makes it.\n\n"
      "Fill the arrays in ``inputs``, call ``run``, read the arrays in ``outputs``. Not for several threads at once;\n"
      "several runners of one model may run at the same time. It keeps its model loaded unless that is closed.\n\n"
      "Source: python/bindings/python_runner.cc, cpp/include/tftrt/runner.h")
      .def_property_readonly("inputs", &PythonRunner::inputs,
                             "The arrays that every run reads, by input name; write into them.")
      .def_property_readonly("outputs", &PythonRunner::outputs,
                             "What the last run wrote, by output name; empty before the first. The next run overwrites "
                             "the arrays, or makes new ones where a shape changes; strings are new each time.")
      .def("run", &PythonRunner::Run,
           "Run the signature once and return ``outputs``. The GIL is released meanwhile.\n\n"
           "Raises:\n"
           "    InvalidArgumentError: The model is closed or cannot compute these inputs, or another thread is in it.");
}

}  // namespace tftrt::bindings
