#ifndef TFTRT_BINDINGS_BINDINGS_H_
#define TFTRT_BINDINGS_BINDINGS_H_

// Included first by every file of the module, so that all see the same casters.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "tftrt/tftrt.h"

namespace tftrt::bindings {

void RegisterErrors(pybind11::module_& module);
void BindOptions(pybind11::module_& module);
void BindEnvironment(pybind11::module_& module);
void BindSavedModel(pybind11::module_& module);
void BindArray(pybind11::module_& module);
void BindGpuArray(pybind11::module_& module);
void BindStats(pybind11::module_& module);
void BindEngineBuilder(pybind11::module_& module);
void BindCall(pybind11::module_& module);
void BindModel(pybind11::module_& module);
void BindModelRepository(pybind11::module_& module);
void BindRunner(pybind11::module_& module);

}  // namespace tftrt::bindings

#endif  // TFTRT_BINDINGS_BINDINGS_H_
