#include "c_api/model.h"

#include <utility>

#include "c_api/arguments.h"
#include "c_api/options.h"
#include "c_api/spec.h"
#include "c_api/status.h"
#include "c_api/versioned_struct.h"

using namespace tftrt::c_api;

tftrt_model::tftrt_model(tftrt::Model loaded)
    : model(std::move(loaded)),
      signatures(model.signatures()),
      signature_pointers(Pointers(signatures)),
      tag_pointers(Pointers(model.info().tags)) {
  for (const auto& [phase, seconds] : model.info().load_seconds) {
    load_phases.push_back(phase.c_str());
    load_seconds.push_back(seconds);
  }
}

tftrt_status* tftrt_model_load(const char* path, const tftrt_model_options* options, tftrt_model** model) {
  return Guard([&] {
    RequireHandle(model, "model");
    Require(path, "path");
    *model = new tftrt_model(tftrt::Model::Load(path, ModelOptionsFrom(options)));
  });
}

tftrt_status* tftrt_model_with_signature(const tftrt_model* model, const char* signature, tftrt_model** other) {
  return Guard([&] {
    RequireHandle(other, "other");
    Require(model, "model");
    Require(signature, "signature");
    *other = new tftrt_model(model->model.WithSignature(signature));
  });
}

tftrt_status* tftrt_model_get_info(const tftrt_model* model, tftrt_model_info* info) {
  return Guard([&] {
    Require(model, "model");
    Require(info, "info");
    const tftrt::ModelInfo& from = model->model.info();
    tftrt_model_info value = {};
    value.path = from.path.c_str();
    value.tags = model->tag_pointers.data();
    value.num_tags = model->tag_pointers.size();
    value.signatures = model->signature_pointers.data();
    value.num_signatures = model->signature_pointers.size();
    value.signature = model->model.signature().c_str();
    value.num_inputs = model->model.inputs().size();
    value.num_outputs = model->model.outputs().size();
    value.device = from.device.c_str();
    value.executor = from.executor.c_str();
    value.executor_reason = from.executor_reason.c_str();
    value.tensorrt_problem = from.tensorrt_problem.c_str();
    value.engine_problem = from.engine_problem.c_str();
    value.engines = from.engines;
    value.engines_ready = from.engines_ready;
    value.instances = from.instances;
    value.load_phases = model->load_phases.data();
    value.load_seconds = model->load_seconds.data();
    value.num_load_phases = model->load_phases.size();
    value.manifest = model->model.manifest().c_str();
    WriteStruct(info, "tftrt_model_info", value);
  });
}

tftrt_status* tftrt_model_get_input(const tftrt_model* model, size_t index, tftrt_tensor_spec* spec) {
  return Guard([&] {
    Require(model, "model");
    GetSpec(model->model.inputs(), index, "input", spec);
  });
}

tftrt_status* tftrt_model_get_output(const tftrt_model* model, size_t index, tftrt_tensor_spec* spec) {
  return Guard([&] {
    Require(model, "model");
    GetSpec(model->model.outputs(), index, "output", spec);
  });
}

tftrt_status* tftrt_model_close(tftrt_model* model) {
  return Guard([&] {
    Require(model, "model");
    model->model.Close();
  });
}

tftrt_status* tftrt_model_is_closed(const tftrt_model* model, int32_t* closed) {
  return Guard([&] {
    Require(model, "model");
    Require(closed, "closed");
    *closed = model->model.closed() ? 1 : 0;
  });
}

tftrt_status* tftrt_model_get_memory(const tftrt_model* model, tftrt_memory* memory) {
  return Guard([&] {
    Require(model, "model");
    Require(memory, "memory");
    const tftrt::ModelMemory from = model->model.Memory();
    tftrt_memory value = {};
    value.host_model = from.host_model;
    value.host_pinned = from.host_pinned;
    value.gpu_model = from.gpu_model;
    value.gpu_workspaces = from.gpu_workspaces;
    value.gpu_buffers = from.gpu_buffers;
    value.cuda_graphs = from.cuda_graphs;
    value.gpu_graphs = from.gpu_graphs;
    value.plans = from.plans;
    WriteStruct(memory, "tftrt_memory", value);
  });
}

void tftrt_model_free(tftrt_model* model) { delete model; }
