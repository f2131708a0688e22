#include "tftrt/runner.h"

#include <utility>

#include "api/runner_impl.h"
#include "api/signature_check.h"
#include "tftrt/error.h"

namespace tftrt {

Runner::Impl::Impl(std::shared_ptr<SharedModel> model, SignatureCallables& callables, std::vector<Tensor> inputs,
                   const OutputSet& outputs, std::vector<BoundOutput> bound)
    : model_(std::move(model)), spec_(callables.spec()), inputs_(std::move(inputs)), outputs_(outputs.size()) {
  for (std::size_t index : outputs) output_specs_.push_back(spec_.outputs[index]);
  const Callable* callable = callables.ForOutputs(outputs, model_->loaded());
  if (callable == nullptr) {
    throw InvalidArgumentError(
        "signature \"" + spec_.name +
        "\" has been called with 32 lists of outputs already; bind one of these, or all outputs");
  }
  binding_ = callable->Bind(inputs_, std::move(bound));
}

Runner Runner::Impl::Make(const std::shared_ptr<SharedModel>& model, SignatureCallables& callables,
                          std::vector<Tensor> inputs, const OutputSet& outputs, std::vector<BoundOutput> bound) {
  const SharedModel::Use use(*model);
  return Runner(std::unique_ptr<Impl>(new Impl(model, callables, std::move(inputs), outputs, std::move(bound))));
}

void Runner::Impl::Run(void* const* stream) {
  SharedModel::Count count(*model_);
  const SharedModel::Use use(*model_);
  binding_->Run(outputs_, stream);
  count.Succeed();
}

Runner::Runner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Runner::Runner(Runner&&) noexcept = default;
Runner& Runner::operator=(Runner&&) noexcept = default;
Runner::~Runner() = default;

const std::vector<TensorSpec>& Runner::inputs() const { return impl_->input_specs(); }
const std::vector<TensorSpec>& Runner::outputs() const { return impl_->output_specs(); }

Tensor Runner::input(const std::string& name) const {
  return impl_->inputs()[IndexOf(inputs(), name, "input", impl_->signature())];
}
Tensor Runner::input(std::size_t index) const { return impl_->inputs().at(index); }

const Tensor& Runner::output(const std::string& name) const {
  return impl_->outputs()[IndexOf(outputs(), name, "output", impl_->signature())];
}
const Tensor& Runner::output(std::size_t index) const { return impl_->outputs().at(index); }

void Runner::Run() { impl_->Run(nullptr); }
void Runner::RunOn(void* cuda_stream) { impl_->Run(&cuda_stream); }

}  // namespace tftrt
