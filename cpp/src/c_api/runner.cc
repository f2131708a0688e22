#include "tftrt/runner.h"

#include <memory>
#include <utility>

#include "c_api/arguments.h"
#include "c_api/model.h"
#include "c_api/options.h"
#include "c_api/spec.h"
#include "c_api/status.h"
#include "c_api/tensor.h"
#include "c_api/versioned_struct.h"

struct tftrt_runner {
  tftrt::Runner runner;
};

namespace tftrt::c_api {
namespace {

template <typename Inputs>
tftrt_runner* BindTo(const tftrt_model* model, const Inputs& inputs, const tftrt_bind_options* options) {
  const BindOptions bind = BindOptionsFrom(options);
  return new tftrt_runner{model->model.Bind(inputs, bind.outputs, bind.on_gpu, bind.into)};
}

void RequireWritten(const Tensor& output) {
  if (!output.valid()) throw InvalidArgumentError("the runner has no outputs before its first run");
}

}  // namespace
}  // namespace tftrt::c_api

using namespace tftrt::c_api;

tftrt_status* tftrt_model_bind(const tftrt_model* model, const tftrt_named_tensor* inputs, size_t num_inputs,
                               const tftrt_bind_options* options, tftrt_runner** runner) {
  return Guard([&] {
    RequireHandle(runner, "runner");
    Require(model, "model");
    *runner = BindTo(model, TensorsFrom(inputs, num_inputs, "inputs"), options);
  });
}

tftrt_status* tftrt_model_bind_shapes(const tftrt_model* model, const tftrt_named_shape* shapes, size_t num_shapes,
                                      const tftrt_bind_options* options, tftrt_runner** runner) {
  return Guard([&] {
    RequireHandle(runner, "runner");
    Require(model, "model");
    *runner = BindTo(model, ShapesFrom(shapes, num_shapes), options);
  });
}

tftrt_status* tftrt_model_make_input(const tftrt_model* model, const char* name, const int64_t* dims, size_t rank,
                                     int32_t on_gpu, tftrt_tensor** tensor) {
  return Guard([&] {
    RequireHandle(tensor, "tensor");
    Require(model, "model");
    Require(name, "name");
    *tensor = new tftrt_tensor{model->model.MakeInput(name, ShapeFrom(dims, rank), on_gpu != 0)};
  });
}

tftrt_status* tftrt_runner_get_info(const tftrt_runner* runner, tftrt_runner_info* info) {
  return Guard([&] {
    Require(runner, "runner");
    Require(info, "info");
    tftrt_runner_info value = {};
    value.num_inputs = runner->runner.inputs().size();
    value.num_outputs = runner->runner.outputs().size();
    WriteStruct(info, "tftrt_runner_info", value);
  });
}

tftrt_status* tftrt_runner_get_input_spec(const tftrt_runner* runner, size_t index, tftrt_tensor_spec* spec) {
  return Guard([&] {
    Require(runner, "runner");
    GetSpec(runner->runner.inputs(), index, "input", spec);
  });
}

tftrt_status* tftrt_runner_get_output_spec(const tftrt_runner* runner, size_t index, tftrt_tensor_spec* spec) {
  return Guard([&] {
    Require(runner, "runner");
    GetSpec(runner->runner.outputs(), index, "output", spec);
  });
}

tftrt_status* tftrt_runner_get_input(const tftrt_runner* runner, const char* name, tftrt_tensor** tensor) {
  return Guard([&] {
    RequireHandle(tensor, "tensor");
    Require(runner, "runner");
    Require(name, "name");
    *tensor = new tftrt_tensor{runner->runner.input(name)};
  });
}

tftrt_status* tftrt_runner_get_output(const tftrt_runner* runner, const char* name, tftrt_tensor** tensor) {
  return Guard([&] {
    RequireHandle(tensor, "tensor");
    Require(runner, "runner");
    Require(name, "name");
    const tftrt::Tensor& output = runner->runner.output(name);
    RequireWritten(output);
    *tensor = new tftrt_tensor{output};
  });
}

tftrt_status* tftrt_runner_get_output_view(const tftrt_runner* runner, size_t index, tftrt_tensor_view* view) {
  return Guard([&] {
    Require(runner, "runner");
    CheckIndex(index, runner->runner.outputs().size(), "output");
    const tftrt::Tensor& output = runner->runner.output(index);
    RequireWritten(output);
    ViewTensor(output, view);
  });
}

tftrt_status* tftrt_runner_run(tftrt_runner* runner) {
  return Guard([&] {
    Require(runner, "runner");
    runner->runner.Run();
  });
}

tftrt_status* tftrt_runner_run_on(tftrt_runner* runner, void* cuda_stream) {
  return Guard([&] {
    Require(runner, "runner");
    runner->runner.RunOn(cuda_stream);
  });
}

void tftrt_runner_free(tftrt_runner* runner) { delete runner; }
