#include "api/shared_model.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>
#include <utility>

#include "api/signature_check.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

// A callable for each set of outputs that was asked for; beyond this many sets, all outputs are computed instead.
constexpr std::size_t kMostOutputSets = 32;

// How long Close waits for calls that may never end before it cancels them, and then for them to end.
constexpr std::chrono::milliseconds kCallsMayTake(1000);
constexpr std::chrono::milliseconds kCancellingMayTake(10000);

OutputSet AllOutputs(const SignatureSpec& spec) {
  OutputSet all(spec.outputs.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

// So that neither processors nor instances nor batches wait for threads.
std::size_t ThreadsFor(const ModelOptions& options) {
  constexpr std::size_t kMost = 256;
  const auto instances = static_cast<std::size_t>(options.instances);
  const std::size_t processors = std::max(1u, std::thread::hardware_concurrency());
  const std::size_t batches = options.max_batch > 1 ? (instances + 1) * static_cast<std::size_t>(options.max_batch) : 0;
  return std::max(processors, std::min(std::max(2 * instances, batches), kMost));
}

}  // namespace

Tensor CopyOf(const Tensor& tensor) {
  if (tensor.dtype() == DType::kString) return Tensor::Strings(tensor.strings(), tensor.shape());
  return Tensor::Copy(tensor.data(), tensor.dtype(), tensor.shape());
}

OutputSet OutputsNamed(const SignatureSpec& spec, const std::vector<std::string>& names) {
  if (names.empty()) return AllOutputs(spec);
  OutputSet outputs;
  for (const std::string& name : names) outputs.push_back(OutputIndex(spec, name));
  return outputs;
}

SignatureCallables::SignatureCallables(const SignatureSpec& spec, LoadedModel& model)
    : spec_(spec), all_(AllOutputs(spec)), all_outputs_(model.MakeCallable(spec, all_)) {}

std::vector<Tensor> SignatureCallables::Run(const Tensor* const* inputs, const OutputSet& wanted, const RunTerms& terms,
                                            LoadedModel& model) {
  if (const Callable* callable = ForOutputs(wanted, model)) return callable->Run(inputs, terms);
  if (terms.any_on_gpu()) {
    throw InvalidArgumentError("signature \"" + spec_.name +
                               "\" has been called with 32 lists of outputs already; ask for one of these, for all "
                               "outputs, or for outputs on the host");
  }
  RunTerms all;
  all.limits = terms.limits;
  std::vector<Tensor> every = all_outputs_->Run(inputs, all);
  std::vector<Tensor> selected;
  for (auto index = wanted.begin(); index != wanted.end(); ++index) {
    const bool repeated = std::find(wanted.begin(), index, *index) != index;
    selected.push_back(repeated ? CopyOf(every[*index]) : every[*index]);
  }
  return selected;
}

const Callable* SignatureCallables::ForOutputs(const OutputSet& wanted, LoadedModel& model) {
  if (wanted == all_) return all_outputs_.get();
  const std::lock_guard lock(mutex_);
  const auto found = some_outputs_.find(wanted);
  if (found != some_outputs_.end()) return found->second.get();
  if (some_outputs_.size() >= kMostOutputSets) return nullptr;
  return (some_outputs_[wanted] = model.MakeCallable(spec_, wanted)).get();
}

SharedModel::SharedModel(std::unique_ptr<LoadedModel> loaded, const ModelOptions& options)
    : info_(loaded->info()),
      manifest_(loaded->manifest()),
      signatures_(loaded->signatures()),
      may_block_(loaded->may_block()),
      loaded_(std::move(loaded)),
      queue_(std::make_unique<CallQueue>(ThreadsFor(options), static_cast<std::size_t>(options.max_queued_calls))) {}

SharedModel::~SharedModel() {
  if (!fork_guard_.InForkedChild()) return;
  // Freeing a session joins threads that a forked child does not have.
  for (auto& [name, callables] : callables_) callables.release();
  loaded_.release();
  queue_.release();
}

const SignatureSpec& SharedModel::Spec(const std::string& name) const {
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

SignatureCallables& SharedModel::Prepare(const std::string& name) {
  const Use use(*this);
  const SignatureSpec& spec = Spec(name);
  const std::lock_guard lock(callables_mutex_);
  auto& callables = callables_[name];
  if (callables == nullptr) callables = std::make_unique<SignatureCallables>(spec, *loaded_);
  return *callables;
}

SharedModel::Use::Use(const SharedModel& model) {
  model.fork_guard_.Check();
  if (!model.closed_.load(std::memory_order_relaxed)) lock_ = std::shared_lock(model.session_mutex_);
  if (!lock_.owns_lock() || model.loaded_ == nullptr) {
    throw InvalidArgumentError("the model \"" + model.info_.path + "\" is closed; load it again");
  }
}

void SharedModel::Submit(std::function<void()> call, const CallLimits& limits) {
  fork_guard_.Check();
  queue_->Submit(std::move(call), limits);
}

ModelMemory SharedModel::Memory() const {
  const Use use(*this);
  return loaded_->memory();
}

ModelStats SharedModel::Stats() const {
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

void SharedModel::set_load_seconds(double callables, double warm_up) {
  callables_seconds_ = callables;
  warm_up_seconds_ = warm_up;
}

std::unique_lock<std::shared_mutex> SharedModel::LockForClose() {
  if (!may_block_) return std::unique_lock(session_mutex_);
  std::unique_lock lock(session_mutex_, std::defer_lock);
  const auto lock_within = [&](std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!lock.try_lock()) {
      if (std::chrono::steady_clock::now() >= deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  };
  if (lock_within(kCallsMayTake)) return lock;
  {
    const std::shared_lock use(session_mutex_);
    if (loaded_ != nullptr) loaded_->CancelCalls();
  }
  if (lock_within(kCancellingMayTake)) return lock;
  throw DeadlineExceededError("the model \"" + info_.path +
                              "\" takes no more calls, but one under way waits in an op that TensorFlow cannot cancel; "
                              "its memory is freed when that call ends and close is called again");
}

void SharedModel::Close() {
  // Turns new calls away, so that a stream of them cannot keep the lock below waiting.
  closed_.store(true, std::memory_order_relaxed);
  if (fork_guard_.InForkedChild()) return;
  const std::unique_lock lock = LockForClose();
  callables_.clear();
  loaded_.reset();
}

}  // namespace tftrt
