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
      .def("run", &PythonRunner::Run, py::arg("stream") = py::none(),
           "Run the signature once and return ``outputs``. The GIL is released meanwhile.\n\n"
           "Inputs on a GPU are read after what was queued in CUDA's default stream.\n\n"
           "Args:\n"
           "    stream: A CUDA stream of PyTorch or CuPy, or its address: the run comes after what was queued there, "
           "and\n"
           "        what is queued there later after the run, which need not be over when this returns.\n\n"
           "Raises:\n"
           "    InvalidArgumentError: The model is closed or cannot compute these inputs, or another thread is in it.\n"
           "    UnsupportedError: There is a stream, and the model does not run on a GPU.");
}

}  // namespace tftrt::bindings
