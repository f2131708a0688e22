#include "tftrt/model.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <numeric>
#include <shared_mutex>

#include "api/backend.h"
#include "api/fork_guard.h"
#include "api/runtime_loader.h"
#include "api/runtime_options.h"
#include "api/signature_check.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

// A callable for each set of outputs that was asked for; beyond this many sets, all outputs are computed instead.
constexpr std::size_t kMostOutputSets = 32;

using OutputSet = std::vector<std::size_t>;

Tensor CopyOf(const Tensor& tensor) {
  if (tensor.dtype() == DType::kString) return Tensor::Strings(tensor.strings(), tensor.shape());
  return Tensor::Copy(tensor.data(), tensor.dtype(), tensor.shape());
}

// One signature and what is ready to run of it.
class SignatureCallables {
 public:
  SignatureCallables(const SignatureSpec& spec, LoadedModel& model) : spec_(spec) {
    all_.resize(spec.outputs.size());
    std::iota(all_.begin(), all_.end(), std::size_t{0});
    all_outputs_ = model.MakeCallable(spec_, all_);
  }

  const SignatureSpec& spec() const { return spec_; }
  const Callable& all_outputs() const { return *all_outputs_; }

  std::vector<Tensor> Run(const Tensor* const* inputs, const OutputSet& wanted, LoadedModel& model) {
    if (wanted == all_) return all_outputs_->Run(inputs);
    if (const Callable* callable = ForOutputs(wanted, model)) return callable->Run(inputs);
    std::vector<Tensor> every = all_outputs_->Run(inputs);
    std::vector<Tensor> selected;
    for (auto index = wanted.begin(); index != wanted.end(); ++index) {
      const bool repeated = std::find(wanted.begin(), index, *index) != index;
      selected.push_back(repeated ? CopyOf(every[*index]) : every[*index]);
    }
    return selected;
  }

 private:
  const Callable* ForOutputs(const OutputSet& wanted, LoadedModel& model) {
    const std::lock_guard lock(mutex_);
    const auto found = some_outputs_.find(wanted);
    if (found != some_outputs_.end()) return found->second.get();
    if (some_outputs_.size() >= kMostOutputSets) return nullptr;
    return (some_outputs_[wanted] = model.MakeCallable(spec_, wanted)).get();
  }

  const SignatureSpec& spec_;
  OutputSet all_;
  std::unique_ptr<Callable> all_outputs_;
  std::mutex mutex_;
  std::map<OutputSet, std::unique_ptr<Callable>> some_outputs_;
};

// The model that all handles share.
class SharedModel {
 public:
  explicit SharedModel(std::unique_ptr<LoadedModel> loaded)
      : info_(loaded->info()),
        manifest_(loaded->manifest()),
        signatures_(loaded->signatures()),
        loaded_(std::move(loaded)) {}

  ~SharedModel() {
    if (!fork_guard_.InForkedChild()) return;
    // Freeing a session joins threads that a forked child does not have.
    for (auto& [name, callables] : callables_) callables.release();
    loaded_.release();
  }

  const ModelInfo& info() const { return info_; }
  const std::string& manifest() const { return manifest_; }
  const std::vector<SignatureSpec>& signatures() const { return signatures_; }

  SignatureCallables& Prepare(const std::string& name) {
    const Use use(*this);
    const SignatureSpec& spec = Spec(name);
    const std::lock_guard lock(callables_mutex_);
    auto& callables = callables_[name];
    if (callables == nullptr) callables = std::make_unique<SignatureCallables>(spec, *loaded_);
    return *callables;
  }

  // Keeps the session while it lives. Throws if there is none.
  class Use {
   public:
    explicit Use(const SharedModel& model) {
      model.fork_guard_.Check();
      if (!model.closed_.load(std::memory_order_relaxed)) lock_ = std::shared_lock(model.session_mutex_);
      if (!lock_.owns_lock() || model.loaded_ == nullptr) {
        throw InvalidArgumentError("the model \"" + model.info_.path + "\" is closed; load it again");
      }
    }

   private:
    std::shared_lock<std::shared_mutex> lock_;
  };

  LoadedModel& loaded() const { return *loaded_; }

  // Counts a call of Run, and an error unless Succeed() is called.
  class Count {
   public:
    explicit Count(SharedModel& model) : model_(model) {}
    ~Count() {
      model_.calls_.fetch_add(1, std::memory_order_relaxed);
      if (!succeeded_) model_.errors_.fetch_add(1, std::memory_order_relaxed);
    }
    void Succeed() { succeeded_ = true; }

   private:
    SharedModel& model_;
    bool succeeded_ = false;
  };

  ModelStats Stats() const {
    ModelStats stats;
    stats.calls = calls_.load(std::memory_order_relaxed);
    stats.errors = errors_.load(std::memory_order_relaxed);
    stats.load_seconds = info_.load_seconds;
    stats.load_seconds.emplace_back("callables", callables_seconds_);
    stats.load_seconds.emplace_back("warm-up", warm_up_seconds_);
    const std::shared_lock lock(session_mutex_);
    if (loaded_ != nullptr) stats.engines = loaded_->engine_stats();
    return stats;
  }

  void set_load_seconds(double callables, double warm_up) {
    callables_seconds_ = callables;
    warm_up_seconds_ = warm_up;
  }

  void Close() {
    // Turns new calls away, so that a stream of them cannot keep the lock below waiting.
    closed_.store(true, std::memory_order_relaxed);
    if (fork_guard_.InForkedChild()) return;
    const std::unique_lock lock(session_mutex_);
    callables_.clear();
    loaded_.reset();
  }

  bool closed() const { return closed_.load(std::memory_order_relaxed); }

  // Lives as long as this, unlike the callables.
  const SignatureSpec& Spec(const std::string& name) const {
    std::string names;
    for (const SignatureSpec& spec : signatures_) {
      if (spec.name == name) {
        if (!spec.unsupported.empty())
          throw UnsupportedError("signature \"" + name + "\" cannot be called: " + spec.unsupported);
        return spec;
      }
      names += (names.empty() ? "\"" : ", \"") + spec.name + "\"";
    }
    throw InvalidArgumentError("the model \"" + info_.path + "\" has no signature \"" + name + "\"; " +
                               (names.empty() ? "it has none" : "its signatures are " + names));
  }

 private:
  const ForkGuard fork_guard_;
  const ModelInfo info_;
  const std::string manifest_;
  const std::vector<SignatureSpec> signatures_;
  std::atomic<bool> closed_{false};
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> errors_{0};
  double callables_seconds_ = 0;
  double warm_up_seconds_ = 0;
  mutable std::shared_mutex session_mutex_;  // shared by calls, exclusive for Close
  std::unique_ptr<LoadedModel> loaded_;
  std::mutex callables_mutex_;
  std::map<std::string, std::unique_ptr<SignatureCallables>> callables_;
};

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
  Shape shape;
  if (spec.known_rank) {
    for (std::int64_t dim : spec.shape) shape.push_back(dim == -1 ? 1 : dim);
  }
  return Zeros(spec.dtype, shape);
}

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

class Model::Impl {
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

  // Runs the engines of one profile, which loads them into the GPU.
  void WarmEngines(const WarmUpCall& call) const {
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
      Run(pointers.data());
    } catch (const Error& error) {
      throw InvalidArgumentError(std::string("warming the engines with zeros failed: ") + error.what() +
                                 ". Load with warm_engines = false");
    }
  }

  std::vector<Tensor> Run(const Tensor* const* inputs, const std::vector<std::string>& outputs) const {
    OutputSet wanted;
    for (const std::string& name : outputs) wanted.push_back(IndexOf(spec_.outputs, name, "output", spec_.name));
    const SharedModel::Use use(*model_);
    return callables_.Run(inputs, wanted, model_->loaded());
  }

  void WarmUp(int calls) const {
    if (calls == 0) return;
    std::vector<Tensor> inputs;
    std::vector<const Tensor*> pointers;
    for (const TensorSpec& spec : spec_.inputs) inputs.push_back(MakeUp(spec));
    for (const Tensor& input : inputs) pointers.push_back(&input);
    try {
      for (int i = 0; i < calls; ++i) Run(pointers.data());
    } catch (const Error& error) {
      throw InvalidArgumentError(
          std::string("the warm-up call failed on made-up input (zeros, unknown dimensions 1): ") + error.what() +
          ". Load with warmup = 0 and make the first call with real input");
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
  Backend& backend = GetBackend();
  const ResolvedRuntimeOptions runtime = FixSessionOptions();
  {
    const std::lock_guard lock(mutex);
    if (first_load == nullptr) first_load = std::make_unique<ForkGuard>();
  }
  auto shared = std::make_shared<SharedModel>(backend.Load(path, options, runtime));
  const auto loaded = std::chrono::steady_clock::now();
  Model model(std::make_shared<const Impl>(shared, options.signature));
  const double callables_seconds = SecondsSince(loaded);
  const auto ready = std::chrono::steady_clock::now();
  for (const WarmUpCall& call : shared->loaded().warm_up_calls()) {
    model.WithSignature(call.signature).impl_->WarmEngines(call);
  }
  model.impl_->WarmUp(options.warmup);
  shared->set_load_seconds(callables_seconds, SecondsSince(ready));
  shared->loaded().ResetStats();
  return model;
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
    CheckInput(specs[i], inputs[i]);
    pointers.push_back(&inputs[i]);
  }
  std::vector<Tensor> results = impl_->Run(pointers.data());
  count.Succeed();
  return results;
}

SavedModelInfo InspectSavedModel(const std::string& path, const std::vector<std::string>& tags) {
  return GetBackend().Inspect(path, tags);
}

}  // namespace tftrt
