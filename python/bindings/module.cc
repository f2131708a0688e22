#include "bindings.h"

PYBIND11_MODULE(_native, module) {
  module.doc() = "The C++ runtime as pybind11 shows it; use it through the package tftrt.";
  module.attr("__version__") = TFTRT_VERSION;
  tftrt::bindings::RegisterErrors(module);
  tftrt::bindings::BindOptions(module);
  tftrt::bindings::BindEnvironment(module);
  tftrt::bindings::BindSavedModel(module);
  tftrt::bindings::BindArray(module);
  tftrt::bindings::BindGpuArray(module);
  tftrt::bindings::BindStats(module);
  tftrt::bindings::BindEngineBuilder(module);
  tftrt::bindings::BindRunner(module);
  tftrt::bindings::BindCall(module);
  tftrt::bindings::BindModel(module);
  tftrt::bindings::BindModelRepository(module);
}
