#include "bindings.h"
#include "dict.h"

namespace tftrt::bindings {

namespace py = pybind11;

void BindStats(py::module_& module) {
  py::class_<EngineProfile>(module, "EngineProfile", "The shapes that one optimization profile of an engine takes.")
      .def_readonly("min", &EngineProfile::min)
      .def_readonly("opt", &EngineProfile::opt)
      .def_readonly("max", &EngineProfile::max)
      .def("__repr__", [](const EngineProfile& profile) { return "<" + ToString(profile) + ">"; });
  py::class_<RunCounts>(module, "RunCounts", "How often an engine's node ran, and how.")
      .def_readonly("engine_runs", &RunCounts::engine_runs)
      .def_readonly("native_runs", &RunCounts::native_runs)
      .def_readonly("refused", &RunCounts::refused)
      .def_readonly("builds", &RunCounts::builds)
      .def_readonly("engine_seconds", &RunCounts::engine_seconds)
      .def_readonly("native_seconds", &RunCounts::native_seconds)
      .def_readonly("build_seconds", &RunCounts::build_seconds);
  py::class_<ShapeStats, RunCounts>(module, "ShapeStats", "The runs with inputs of certain shapes.")
      .def_readonly("shapes", &ShapeStats::shapes);
  py::class_<EngineStats, RunCounts>(module, "EngineStats", "One engine: what is there and what was run.")
      .def_readonly("name", &EngineStats::name)
      .def_readonly("inlined", &EngineStats::inlined)
      .def_readonly("profiles", &EngineStats::profiles)
      .def_readonly("static_shapes", &EngineStats::static_shapes)
      .def_readonly("shapes", &EngineStats::shapes);
  py::class_<ModelMemory>(module, "ModelMemory", "Bytes that a loaded model takes.")
      .def_readonly("host_model", &ModelMemory::host_model)
      .def_readonly("host_pinned", &ModelMemory::host_pinned)
      .def_readonly("gpu_model", &ModelMemory::gpu_model)
      .def_readonly("gpu_workspaces", &ModelMemory::gpu_workspaces)
      .def_readonly("gpu_buffers", &ModelMemory::gpu_buffers)
      .def_readonly("cuda_graphs", &ModelMemory::cuda_graphs)
      .def_readonly("gpu_graphs", &ModelMemory::gpu_graphs)
      .def_readonly("plans", &ModelMemory::plans);
  py::class_<ModelStats>(module, "ModelStats", "A snapshot of what a model was called for.")
      .def_readonly("calls", &ModelStats::calls)
      .def_readonly("errors", &ModelStats::errors)
      .def_property_readonly("load_seconds", [](const ModelStats& stats) { return ToDict(stats.load_seconds); })
      .def_readonly("engines", &ModelStats::engines);
}

}  // namespace tftrt::bindings
