#ifndef TFTRT_BINDINGS_PYTHON_MODEL_H_
#define TFTRT_BINDINGS_PYTHON_MODEL_H_

#include "bindings.h"

namespace tftrt::bindings {

// The module's Model of it.
pybind11::object ToPython(Model model);

}  // namespace tftrt::bindings

#endif  // TFTRT_BINDINGS_PYTHON_MODEL_H_
