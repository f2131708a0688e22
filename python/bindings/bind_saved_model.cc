#include "array.h"
#include "bindings.h"
#include "dict.h"
#include "gil.h"

namespace tftrt::bindings {

namespace py = pybind11;

void BindSavedModel(py::module_& module) {
  py::class_<TensorSpec>(module, "TensorSpec", "Name, dtype and shape of one input or output of a signature.")
      .def_readonly("name", &TensorSpec::name)
      .def_property_readonly("dtype", [](const TensorSpec& spec) { return ToNumpy(spec.dtype); })
      .def_property_readonly("shape",
                             [](const TensorSpec& spec) -> py::object {
                               return spec.known_rank ? py::tuple(py::cast(spec.shape)) : py::object(py::none());
                             })
      .def_property_readonly("default",
                             [](const TensorSpec& spec) -> py::object {
                               if (!spec.default_value.valid()) return py::none();
                               return ToNumpy(spec.default_value).attr("copy")();
                             })
      .def("__repr__", [](const TensorSpec& spec) { return "<" + ToString(spec) + ">"; });
  py::class_<SignatureSpec>(module, "SignatureSpec", "One signature of a SavedModel.")
      .def_readonly("name", &SignatureSpec::name)
      .def_readonly("inputs", &SignatureSpec::inputs)
      .def_readonly("outputs", &SignatureSpec::outputs)
      .def_readonly("unsupported", &SignatureSpec::unsupported)
      .def_property_readonly("unavailable",
                             [](const SignatureSpec& signature) { return ToDict(signature.unavailable); });
  py::class_<SavedModelInfo>(module, "SavedModelInfo", "What a SavedModel holds, read without loading it.")
      .def_readonly("tag_sets", &SavedModelInfo::tag_sets)
      .def_readonly("tags", &SavedModelInfo::tags)
      .def_readonly("signatures", &SavedModelInfo::signatures)
      .def_property_readonly("ops",
                             [](const SavedModelInfo& info) {
                               py::dict ops;
                               for (const auto& [op, count] : info.ops) ops[py::str(op)] = count;
                               return ops;
                             })
      .def_readonly("manifest", &SavedModelInfo::manifest);
  module.def("inspect_saved_model", &InspectSavedModel, py::arg("path"), py::arg("tags"), py::call_guard<GilRelease>());
}

}  // namespace tftrt::bindings
