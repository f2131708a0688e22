#include "bindings.h"

namespace tftrt::bindings {

namespace py = pybind11;

void BindOptions(py::module_& module) {
  py::class_<ModelOptions>(module, "ModelOptions", "tftrt::ModelOptions")
      .def(py::init<>())
      .def_readwrite("signature", &ModelOptions::signature)
      .def_readwrite("tags", &ModelOptions::tags)
      .def_readwrite("device", &ModelOptions::device)
      .def_readwrite("executor", &ModelOptions::executor)
      .def_readwrite("intra_op_threads", &ModelOptions::intra_op_threads)
      .def_readwrite("inter_op_threads", &ModelOptions::inter_op_threads)
      .def_readwrite("on_miss", &ModelOptions::on_miss)
      .def_readwrite("on_mismatch", &ModelOptions::on_mismatch)
      .def_readwrite("instances", &ModelOptions::instances)
      .def_readwrite("max_batch", &ModelOptions::max_batch)
      .def_readwrite("max_wait_us", &ModelOptions::max_wait_us)
      .def_readwrite("max_queued_batches", &ModelOptions::max_queued_batches)
      .def_readwrite("max_queued_calls", &ModelOptions::max_queued_calls)
      .def_readwrite("cuda_graphs", &ModelOptions::cuda_graphs)
      .def_readwrite("warm_engines", &ModelOptions::warm_engines)
      .def_readwrite("warmup", &ModelOptions::warmup)
      .def_readwrite("op_libraries", &ModelOptions::op_libraries);
  py::class_<RuntimeOptions>(module, "RuntimeOptions", "tftrt::RuntimeOptions")
      .def(py::init<>())
      .def_readwrite("gpu_memory_growth", &RuntimeOptions::gpu_memory_growth)
      .def_readwrite("gpu_memory_limit_mb", &RuntimeOptions::gpu_memory_limit_mb)
      .def_readwrite("log_level", &RuntimeOptions::log_level)
      .def_readwrite("intra_op_threads", &RuntimeOptions::intra_op_threads)
      .def_readwrite("inter_op_threads", &RuntimeOptions::inter_op_threads)
      .def_readwrite("tensorflow_dir", &RuntimeOptions::tensorflow_dir)
      .def_readwrite("tensorrt_dir", &RuntimeOptions::tensorrt_dir);
}

}  // namespace tftrt::bindings
