#include "tftrt/model.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <mutex>

#include "api/backend.h"
#include "api/device_choice.h"
#include "api/fork_guard.h"
#include "api/memory_overlap.h"
#include "api/queued_call.h"
#include "api/runner_impl.h"
#include "api/runtime_loader.h"
#include "api/runtime_options.h"
#include "api/shared_model.h"
#include "api/signature_check.h"
#include "api/waiter.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

void CheckThreads(const char* name, int threads) {
  if (threads >= 0 && threads <= 4096) return;
  throw InvalidArgumentError(std::string(name) + " is " + std::to_string(threads) + "; expected 0 to 4096");
}

Tensor Zeros(DType dtype, const Shape& shape) {
  Tensor tensor = Tensor::Empty(dtype, shape);
  if (tensor.num_bytes() != 0) std::memset(tensor.data(), 0, tensor.num_bytes());
  return tensor;
}

Tensor MakeUp(const TensorSpec& spec) {
  if (spec.default_value.valid()) return spec.default_value;
  Shape shape;
  if (spec.known_rank) {
    for (std::int64_t dim : spec.shape) shape.push_back(dim == -1 ? 1 : dim);
  }
  return Zeros(spec.dtype, shape);
}

// An InternalError stays one: it says nothing about the model, and whoever loads may try again.
[[noreturn]] void ThrowWarmUpError(const Error& error, const std::string& message) {
  if (dynamic_cast<const InternalError*>(&error) != nullptr) throw InternalError(message);
  throw InvalidArgumentError(message);
}

[[noreturn]] void ThrowEngineWarmUpError(const Error& error) {
  ThrowWarmUpError(error, std::string("warming the engines with zeros failed: ") + error.what() +
                              ". Load with warm_engines = false");
}

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Throws InvalidArgumentError if two outputs would be written to the same memory.
void RequireApart(const std::vector<BoundOutput>& outputs) {
  for (auto output = outputs.begin(); output != outputs.end(); ++output) {
    if (!output->memory.valid()) continue;
    const std::vector<BoundOutput> earlier(outputs.begin(), output);
    if (!IsWrittenTo(output->memory.data(), output->memory.num_bytes(), earlier)) continue;
    throw InvalidArgumentError("into: expected memory of its own for each output, found that of \"" + output->name +
                               "\" bound to another output as well. Bind one of them elsewhere");
  }
}

// Where in `outputs` the output of this name is.
std::vector<std::size_t> PositionsOf(const SignatureSpec& spec, const OutputSet& outputs, const std::string& name) {
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (spec.outputs[outputs[i]].name == name) positions.push_back(i);
  }
  return positions;
}

std::pair<OutputSet, RunTerms> TermsOf(const SignatureSpec& spec, const CallOptions& options) {
  const OutputSet wanted = OutputsNamed(spec, options.outputs);
  RunTerms terms;
  terms.limits = {options.deadline, options.cancellation};
  if (!options.on_gpu.empty()) terms.on_gpu.resize(wanted.size());
  for (const std::string& name : options.on_gpu) {
    const std::vector<std::size_t> positions = PositionsOf(spec, wanted, name);
    for (std::size_t position : positions) terms.on_gpu[position] = true;
    if (positions.empty()) {
      throw InvalidArgumentError("on_gpu names \"" + name + "\", which is no output of signature \"" + spec.name +
                                 "\" that was asked for");
    }
  }
  return {wanted, terms};
}

}  // namespace

class Model::Impl : public std::enable_shared_from_this<Model::Impl> {
 public:
  Impl(std::shared_ptr<SharedModel> model, const std::string& signature)
      : model_(std::move(model)), callables_(model_->Prepare(signature)), spec_(model_->Spec(signature)) {}

  SharedModel& model() const { return *model_; }
  const std::shared_ptr<SharedModel>& shared_model() const { return model_; }
  const SignatureSpec& spec() const { return spec_; }

  std::vector<Tensor> Run(const Tensor* const* inputs) const {
    const SharedModel::Use use(*model_);
    return callables_.all_outputs().Run(inputs);
  }

  // Runs the engines of one profile, which loads them into the GPU. False if the model refuses made-up input.
  bool TryWarm(const WarmUp::Call& call) const {
    std::vector<Tensor> inputs;
    std::vector<const Tensor*> pointers;
    for (const TensorSpec& spec : spec_.inputs) {
      const auto shape = std::find_if(call.shapes.begin(), call.shapes.end(),
                                      [&](const auto& named) { return named.first == spec.name; });
      if (shape == call.shapes.end()) {
        throw ModelError("the manifest has no shape for the input \"" + spec.name + "\"; build the engines again");
      }
      inputs.push_back(Zeros(spec.dtype, shape->second));
    }
    for (const Tensor& input : inputs) pointers.push_back(&input);
    try {
      const SharedModel::Use use(*model_);
      callables_.all_outputs().Warm(pointers.data());
    } catch (const InvalidArgumentError&) {
      return false;
    } catch (const ModelError& error) {
      // An empty path, say.
      const bool reads_strings = std::any_of(spec_.inputs.begin(), spec_.inputs.end(),
                                             [](const TensorSpec& input) { return input.dtype == DType::kString; });
      if (!reads_strings) ThrowEngineWarmUpError(error);
      return false;
    } catch (const Error& error) {
      ThrowEngineWarmUpError(error);
    }
    return true;
  }

  std::vector<Tensor> Run(const Tensor* const* inputs, const std::vector<std::string>& outputs) const {
    return Run(inputs, OutputsNamed(spec_, outputs), RunTerms());
  }

  std::vector<Tensor> Run(const Tensor* const* inputs, const OutputSet& wanted, const RunTerms& terms) const {
    const SharedModel::Use use(*model_);
    return callables_.Run(inputs, wanted, terms, model_->loaded());
  }

  // Has a thread of the model's make the call, and count it.
  void Start(const std::vector<const Tensor*>& inputs, const OutputSet& wanted, const RunTerms& terms,
             Model::Done done) const {
    std::vector<Tensor> kept;
    for (const Tensor* input : inputs) kept.push_back(*input);
    const auto run = [self = shared_from_this(), wanted, terms](const Tensor* const* ordered) {
      SharedModel::Count count(self->model());
      terms.limits.Check();
      std::vector<Tensor> results = self->Run(ordered, wanted, terms);
      terms.limits.Check();
      count.Succeed();
      return results;
    };
    const auto call = std::make_shared<QueuedCall>(std::move(kept), run, std::move(done));
    const SharedModel::Use use(*model_);
    model_->Submit([call] { call->Make(); }, terms.limits);
  }

  // Whether Run returns when the limits are reached.
  bool HeedsLimits(const Tensor* const* inputs, const OutputSet& wanted, const RunTerms& terms) const {
    const SharedModel::Use use(*model_);
    const Callable* callable = callables_.ForOutputs(wanted, model_->loaded());
    return callable != nullptr && callable->HeedsLimits(inputs, terms);
  }

  Runner Bind(const NamedTensors& inputs, const std::vector<std::string>& outputs,
              const std::vector<std::string>& on_gpu, const NamedTensors& into) const {
    std::vector<Tensor> ordered;
    for (const Tensor* input : OrderInputs(spec_, inputs)) {
      // Of a default value the runner gets a copy, which the caller may write to.
      const TensorSpec& spec = spec_.inputs[ordered.size()];
      ordered.push_back(input == &spec.default_value ? MakeDefault(spec) : *input);
    }
    const OutputSet wanted = OutputsNamed(spec_, outputs);
    std::vector<BoundOutput> bound;
    for (std::size_t index : wanted) bound.push_back({spec_.outputs[index].name, false, Tensor()});
    for (const std::string& name : on_gpu) {
      bool known = std::any_of(inputs.begin(), inputs.end(), [&](const auto& input) { return input.first == name; });
      for (std::size_t index : PositionsOf(spec_, wanted, name)) known = bound[index].on_gpu = true;
      if (!known) {
        throw InvalidArgumentError("on_gpu names \"" + name + "\", which is neither an input of signature \"" +
                                   spec_.name + "\" nor an output that was asked for");
      }
    }
    for (const auto& [name, memory] : into) {
      const std::vector<std::size_t> positions = PositionsOf(spec_, wanted, name);
      if (positions.size() != 1) {
        throw InvalidArgumentError(
            "into names \"" + name + "\", which is " +
            (positions.empty() ? "no output that was asked for" : "an output that was asked for more than once"));
      }
      const TensorSpec& output = spec_.outputs[wanted[positions.front()]];
      if (output.dtype == DType::kString)
        throw UnsupportedError("strings cannot be written into memory of the caller's");
      CheckTensor(output, memory, "output");
      bound[positions.front()].on_gpu = memory.on_gpu();
      bound[positions.front()].memory = memory;
    }
    RequireApart(bound);
    return Runner::Impl::Make(model_, callables_, std::move(ordered), wanted, std::move(bound));
  }

  Runner Bind(const NamedShapes& shapes, const std::vector<std::string>& outputs,
              const std::vector<std::string>& on_gpu, const NamedTensors& into) const {
    NamedTensors inputs;
    const auto make = [&](const std::string& name, const Shape& shape) {
      const bool there = std::find(on_gpu.begin(), on_gpu.end(), name) != on_gpu.end();
      inputs.emplace_back(name, MakeInput(name, shape, there));
    };
    for (const auto& [name, shape] : shapes) make(name, shape);
    for (const TensorSpec& input : spec_.inputs) {
      const bool given =
          std::any_of(shapes.begin(), shapes.end(), [&](const auto& named) { return named.first == input.name; });
      const bool fixed = input.known_rank && std::count(input.shape.begin(), input.shape.end(), -1) == 0;
      if (!given && fixed && !input.default_value.valid()) make(input.name, input.shape);
    }
    return Bind(inputs, outputs, on_gpu, into);
  }

  Tensor MakeInput(const std::string& name, const Shape& shape, bool on_gpu) const {
    const TensorSpec& input = spec_.inputs[IndexOf(spec_.inputs, name, "input", spec_.name)];
    CheckShape(input, shape);
    if (on_gpu && input.dtype == DType::kString) throw UnsupportedError("strings cannot be inputs on a GPU");
    const SharedModel::Use use(*model_);
    return callables_.all_outputs().MakeInput(input.dtype, shape, on_gpu);
  }

  Tensor MakeDefault(const TensorSpec& spec) const {
    if (spec.dtype == DType::kString) return CopyOf(spec.default_value);
    Tensor input = MakeInput(spec.name, spec.default_value.shape(), /*on_gpu=*/false);
    if (input.num_bytes() != 0) std::memcpy(input.data(), spec.default_value.data(), input.num_bytes());
    return input;
  }

  void WarmEngines() const {
    LoadedModel& loaded = model_->loaded();
    bool alone = loaded.warm_up().engines_alone;
    for (const WarmUp::Call& call : loaded.warm_up().calls) {
      if (!Impl(model_, call.signature).TryWarm(call)) alone = true;
    }
    if (!alone) return;
    try {
      loaded.WarmEngines();
    } catch (const Error& error) {
      ThrowEngineWarmUpError(error);
    }
  }

  void CallOnMadeUpInput(int calls) const {
    if (calls == 0) return;
    std::vector<Tensor> inputs;
    std::vector<const Tensor*> pointers;
    for (const TensorSpec& spec : spec_.inputs) inputs.push_back(MakeUp(spec));
    for (const Tensor& input : inputs) pointers.push_back(&input);
    try {
      for (int i = 0; i < calls; ++i) Run(pointers.data());
    } catch (const Error& error) {
      ThrowWarmUpError(error, std::string("the warm-up call failed on made-up input (zeros, unknown dimensions 1): ") +
                                  error.what() + ". Load with warmup = 0 and make the first call with real input");
    }
  }

 private:
  const std::shared_ptr<SharedModel> model_;
  SignatureCallables& callables_;
  const SignatureSpec& spec_;  // of *model_, so that it outlives Close
};

Model::Model(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Model Model::Load(const std::string& path, const ModelOptions& options) {
  // TensorFlow's threads begin with the first session of the process, which may be another model's.
  static std::mutex mutex;
  static std::unique_ptr<ForkGuard> first_load;
  if (options.warmup < 0)
    throw InvalidArgumentError("warmup is " + std::to_string(options.warmup) + "; expected 0 or more calls");
  {
    const std::lock_guard lock(mutex);
    if (first_load != nullptr) first_load->Check();
  }
  CheckThreads("intra_op_threads", options.intra_op_threads);
  CheckThreads("inter_op_threads", options.inter_op_threads);
  if (options.max_queued_calls < 0) {
    throw InvalidArgumentError("max_queued_calls is " + std::to_string(options.max_queued_calls) +
                               "; expected 0 or more");
  }
  Backend& backend = GetBackend();
  const ResolvedRuntimeOptions runtime = FixSessionOptions();
  {
    const std::lock_guard lock(mutex);
    if (first_load == nullptr) first_load = std::make_unique<ForkGuard>();
  }
  ModelOptions placed = options;
  placed.device = ChooseDevice(options.device, ConfiguredTensorFlowDir().value_or(""));
  auto shared = std::make_shared<SharedModel>(backend.Load(path, placed, runtime), placed);
  const auto loaded = std::chrono::steady_clock::now();
  Model model(std::make_shared<const Impl>(shared, options.signature));
  const double callables_seconds = SecondsSince(loaded);
  const auto ready = std::chrono::steady_clock::now();
  model.impl_->WarmEngines();
  model.impl_->CallOnMadeUpInput(options.warmup);
  shared->set_load_seconds(callables_seconds, SecondsSince(ready));
  shared->loaded().EndLoading();
  return model;
}

Runner Model::Bind(const NamedTensors& inputs, const std::vector<std::string>& outputs,
                   const std::vector<std::string>& on_gpu, const NamedTensors& into) const {
  return impl_->Bind(inputs, outputs, on_gpu, into);
}

Runner Model::Bind(const NamedShapes& shapes, const std::vector<std::string>& outputs,
                   const std::vector<std::string>& on_gpu, const NamedTensors& into) const {
  return impl_->Bind(shapes, outputs, on_gpu, into);
}

Tensor Model::MakeInput(const std::string& name, const Shape& shape, bool on_gpu) const {
  return impl_->MakeInput(name, shape, on_gpu);
}

Model Model::WithSignature(const std::string& name) const {
  return Model(std::make_shared<const Impl>(impl_->shared_model(), name));
}

const std::string& Model::signature() const { return impl_->spec().name; }
const std::vector<TensorSpec>& Model::inputs() const { return impl_->spec().inputs; }
const std::vector<TensorSpec>& Model::outputs() const { return impl_->spec().outputs; }
const ModelInfo& Model::info() const { return impl_->model().info(); }
const std::string& Model::manifest() const { return impl_->model().manifest(); }
ModelStats Model::Stats() const { return impl_->model().Stats(); }
ModelMemory Model::Memory() const { return impl_->model().Memory(); }
bool Model::closed() const { return impl_->model().closed(); }
void Model::Close() { impl_->model().Close(); }

std::vector<std::string> Model::signatures() const {
  std::vector<std::string> names;
  for (const SignatureSpec& spec : impl_->model().signatures()) names.push_back(spec.name);
  return names;
}

std::vector<Tensor> Model::Run(const NamedTensors& inputs, const std::vector<std::string>& outputs) const {
  SharedModel::Count count(impl_->model());
  const std::vector<const Tensor*> ordered = OrderInputs(impl_->spec(), inputs);
  std::vector<Tensor> results = outputs.empty() ? impl_->Run(ordered.data()) : impl_->Run(ordered.data(), outputs);
  count.Succeed();
  return results;
}

std::vector<Tensor> Model::Run(const NamedTensors& inputs, const CallOptions& options) const {
  SharedModel::Count count(impl_->model());
  const std::vector<const Tensor*> ordered = OrderInputs(impl_->spec(), inputs);
  const auto [wanted, terms] = TermsOf(impl_->spec(), options);
  terms.limits.Check();
  std::vector<Tensor> results;
  if (!terms.limits.any() || impl_->HeedsLimits(ordered.data(), wanted, terms)) {
    results = impl_->Run(ordered.data(), wanted, terms);
  } else {
    struct Outcome {
      Waiter waiter;
      std::vector<Tensor> outputs;
      std::exception_ptr error;
    };
    const auto outcome = std::make_shared<Outcome>();
    impl_->Start(ordered, wanted, terms, [outcome](std::vector<Tensor> outputs, std::exception_ptr error) {
      outcome->outputs = std::move(outputs);
      outcome->error = std::move(error);
      outcome->waiter.Notify();
    });
    count.LeaveToAnother();
    outcome->waiter.Wait(terms.limits);
    if (outcome->error != nullptr) std::rethrow_exception(outcome->error);
    results = std::move(outcome->outputs);
  }
  count.Succeed();
  return results;
}

void Model::RunAsync(const NamedTensors& inputs, const CallOptions& options, Done done) const {
  SharedModel::Count count(impl_->model());
  const auto [wanted, terms] = TermsOf(impl_->spec(), options);
  impl_->Start(OrderInputs(impl_->spec(), inputs), wanted, terms, std::move(done));
  count.LeaveToAnother();
}

std::future<std::vector<Tensor>> Model::RunAsync(const NamedTensors& inputs, const CallOptions& options) const {
  const auto promise = std::make_shared<std::promise<std::vector<Tensor>>>();
  std::future<std::vector<Tensor>> future = promise->get_future();
  RunAsync(inputs, options, [promise](std::vector<Tensor> outputs, std::exception_ptr error) {
    error == nullptr ? promise->set_value(std::move(outputs)) : promise->set_exception(std::move(error));
  });
  return future;
}

std::vector<Tensor> Model::RunOrdered(const std::vector<Tensor>& inputs) const {
  SharedModel::Count count(impl_->model());
  const std::vector<TensorSpec>& specs = impl_->spec().inputs;
  if (inputs.size() != specs.size()) {
    throw InvalidArgumentError("signature \"" + impl_->spec().name + "\" has " + std::to_string(specs.size()) +
                               " inputs, but " + std::to_string(inputs.size()) + " were given");
  }
  std::vector<const Tensor*> pointers;
  pointers.reserve(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool left_out = !inputs[i].valid() && specs[i].default_value.valid();
    if (!left_out) CheckInput(specs[i], inputs[i]);
    pointers.push_back(left_out ? &specs[i].default_value : &inputs[i]);
  }
  std::vector<Tensor> results = impl_->Run(pointers.data());
  count.Succeed();
  return results;
}

SavedModelInfo InspectSavedModel(const std::string& path, const std::vector<std::string>& tags) {
  return GetBackend().Inspect(path, tags);
}

}  // namespace tftrt
