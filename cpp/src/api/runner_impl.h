#ifndef TFTRT_API_RUNNER_IMPL_H_
#define TFTRT_API_RUNNER_IMPL_H_

#include <memory>
#include <string>
#include <vector>

#include "api/backend.h"
#include "api/shared_model.h"
#include "tftrt/runner.h"

namespace tftrt {

class Runner::Impl {
 public:
  // `inputs` are in the signature's order, and checked; `bound` in that of `outputs`.
  static Runner Make(const std::shared_ptr<SharedModel>& model, SignatureCallables& callables,
                     std::vector<Tensor> inputs, const OutputSet& outputs, std::vector<BoundOutput> bound);

  void Run(void* const* stream);

  const std::vector<TensorSpec>& input_specs() const { return spec_.inputs; }
  const std::vector<TensorSpec>& output_specs() const { return output_specs_; }
  const std::vector<Tensor>& inputs() const { return inputs_; }
  const std::vector<Tensor>& outputs() const { return outputs_; }
  const std::string& signature() const { return spec_.name; }

 private:
  Impl(std::shared_ptr<SharedModel> model, SignatureCallables& callables, std::vector<Tensor> inputs,
       const OutputSet& outputs, std::vector<BoundOutput> bound);

  const std::shared_ptr<SharedModel> model_;
  const SignatureSpec& spec_;  // of *model_
  std::vector<TensorSpec> output_specs_;
  const std::vector<Tensor> inputs_;
  std::vector<Tensor> outputs_;
  std::unique_ptr<Binding> binding_;
};

}  // namespace tftrt

#endif  // TFTRT_API_RUNNER_IMPL_H_
