#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "c_api/arguments.h"
#include "c_api/model.h"
#include "c_api/options.h"
#include "c_api/status.h"
#include "c_api/tensor.h"

namespace tftrt::c_api {
namespace {

// Hands over what a call returned.
void Finish(tftrt_done done, void* context, std::vector<Tensor> outputs, const std::exception_ptr& error) noexcept {
  std::vector<tftrt_tensor*> handles;
  tftrt_status* status = error != nullptr ? StatusOf(error) : Guard([&] { handles = MakeHandles(std::move(outputs)); });
  done(context, status, handles.data(), handles.size());
}

}  // namespace
}  // namespace tftrt::c_api

using namespace tftrt::c_api;

tftrt_status* tftrt_model_run(const tftrt_model* model, const tftrt_named_tensor* inputs, size_t num_inputs,
                              const tftrt_call_options* options, tftrt_tensor** outputs, size_t num_outputs) {
  return Guard([&] {
    if (num_outputs != 0) Require(outputs, "outputs");
    std::fill_n(outputs, num_outputs, nullptr);
    Require(model, "model");
    const tftrt::CallOptions call = CallOptionsFrom(options);
    const std::size_t wanted = call.outputs.empty() ? model->model.outputs().size() : call.outputs.size();
    if (num_outputs != wanted) {
      throw tftrt::InvalidArgumentError("num_outputs is " + std::to_string(num_outputs) + ", but the call has " +
                                        std::to_string(wanted) + " outputs");
    }
    const std::vector<tftrt_tensor*> handles =
        MakeHandles(model->model.Run(TensorsFrom(inputs, num_inputs, "inputs"), call));
    std::copy(handles.begin(), handles.end(), outputs);
  });
}

tftrt_status* tftrt_model_run_async(const tftrt_model* model, const tftrt_named_tensor* inputs, size_t num_inputs,
                                    const tftrt_call_options* options, tftrt_done done, void* context) {
  return Guard([&] {
    Require(model, "model");
    if (done == nullptr) throw tftrt::InvalidArgumentError("done is NULL");
    model->model.RunAsync(TensorsFrom(inputs, num_inputs, "inputs"), CallOptionsFrom(options),
                          [done, context](std::vector<tftrt::Tensor> outputs, const std::exception_ptr& error) {
                            Finish(done, context, std::move(outputs), error);
                          });
  });
}
