#include <map>
#include <optional>

#include "array.h"
#include "bindings.h"
#include "dict.h"
#include "gil.h"

namespace tftrt::bindings {
namespace {

namespace py = pybind11;

NamedTensors ToTensors(const EngineBuilder& builder, const std::string& signature, const py::dict& inputs) {
  NamedTensors tensors;
  for (const auto& [key, value] : inputs) {
    const std::string name = py::cast<std::string>(key);
    TensorSpec wanted;
    for (const SignatureSpec& candidate : builder.signatures()) {
      if (candidate.name != signature) continue;
      for (const TensorSpec& spec : candidate.inputs) {
        if (spec.name == name) wanted = spec;
      }
    }
    tensors.emplace_back(name, ToTensor(value, wanted));
  }
  return tensors;
}

std::optional<EngineBuilder> OpenBuilder(const std::string& path, const BuilderOptions& options) {
  const GilRelease unlocked;
  return EngineBuilder::Open(path, options);
}

}  // namespace

void BindEngineBuilder(py::module_& module) {
  py::class_<BuilderOptions>(module, "BuilderOptions", "tftrt::BuilderOptions")
      .def(py::init<>())
      .def_readwrite("tags", &BuilderOptions::tags)
      .def_readwrite("device", &BuilderOptions::device)
      .def_readwrite("op_libraries", &BuilderOptions::op_libraries)
      .def_readwrite("profile_strategy", &BuilderOptions::profile_strategy)
      .def_readwrite("max_workspace_size_bytes", &BuilderOptions::max_workspace_size_bytes)
      .def_readwrite("optimization_level", &BuilderOptions::optimization_level)
      .def_readwrite("keep_engines", &BuilderOptions::keep_engines)
      .def_property(
          "timing_cache", [](const BuilderOptions& options) { return py::bytes(options.timing_cache); },
          [](BuilderOptions& options, const py::bytes& bytes) { options.timing_cache = bytes; })
      .def_property(
          "calibration_tables", [](const BuilderOptions& options) { return ToDict(options.calibration_tables); },
          [](BuilderOptions& options, const std::map<std::string, std::string>& tables) {
            options.calibration_tables.assign(tables.begin(), tables.end());
          });
  py::enum_<ShapeRole>(module, "ShapeRole", "What the shapes of an input stand for.")
      .value("fixed", ShapeRole::kFixed)
      .value("min", ShapeRole::kMin)
      .value("opt", ShapeRole::kOpt)
      .value("max", ShapeRole::kMax);
  py::class_<BuiltEngine>(module, "BuiltEngine", "What became of one engine.")
      .def_readonly("name", &BuiltEngine::name)
      .def_readonly("built", &BuiltEngine::built)
      .def_readonly("reused", &BuiltEngine::reused)
      .def_readonly("problem", &BuiltEngine::problem)
      .def_readonly("seconds", &BuiltEngine::seconds)
      .def_readonly("profiles", &BuiltEngine::profiles)
      .def_readonly("static_shapes", &BuiltEngine::static_shapes);
  // Without the GIL throughout: it lives in a process of its own, and takes minutes.
  py::class_<EngineBuilder>(module, "EngineBuilder", "tftrt::EngineBuilder")
      .def_static(
          "open", [](const std::string& path, const BuilderOptions& options) { return *OpenBuilder(path, options); },
          py::arg("path"), py::arg("options"))
      .def_property_readonly("gpu", &EngineBuilder::gpu)
      .def_property_readonly("tensorrt_version", &EngineBuilder::tensorrt_version)
      .def_property_readonly("engines", &EngineBuilder::engines)
      .def_property_readonly("needs_calibration", &EngineBuilder::needs_calibration)
      .def_property_readonly("signatures", &EngineBuilder::signatures)
      .def(
          "collect",
          [](EngineBuilder& self, const std::string& signature, const py::dict& inputs, ShapeRole role) {
            const NamedTensors tensors = ToTensors(self, signature, inputs);
            const GilRelease unlocked;
            self.Collect(signature, tensors, role);
          },
          py::arg("signature"), py::arg("inputs"), py::arg("role"))
      .def(
          "calibrate",
          [](EngineBuilder& self, const std::string& signature, const py::dict& inputs) {
            const NamedTensors tensors = ToTensors(self, signature, inputs);
            const GilRelease unlocked;
            self.Calibrate(signature, tensors);
          },
          py::arg("signature"), py::arg("inputs"))
      .def_property_readonly("plan_keys", [](const EngineBuilder& self) { return ToDict(self.PlanKeys()); })
      .def("use_plans", &EngineBuilder::UsePlans, py::arg("engine"), py::arg("file"), py::call_guard<GilRelease>())
      .def(
          "build",
          [](EngineBuilder& self, const py::function& progress) {
            const auto report = [&progress](const std::string& engine, int number, int of) {
              const py::gil_scoped_acquire locked;
              progress(engine, number, of);
            };
            const GilRelease unlocked;
            return self.Build(report);
          },
          py::arg("progress"))
      .def_property_readonly("calibration_tables",
                             [](const EngineBuilder& self) { return ToDict(self.calibration_tables()); })
      .def_property_readonly("timing_cache", [](const EngineBuilder& self) { return py::bytes(self.timing_cache()); })
      .def("save", &EngineBuilder::Save, py::arg("directory"), py::call_guard<GilRelease>());
}

}  // namespace tftrt::bindings
