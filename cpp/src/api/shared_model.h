#ifndef TFTRT_API_SHARED_MODEL_H_
#define TFTRT_API_SHARED_MODEL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "api/backend.h"
#include "api/call_queue.h"
#include "api/fork_guard.h"
#include "tftrt/model.h"
#include "tftrt/stats.h"

namespace tftrt {

// Indices into a signature's outputs.
using OutputSet = std::vector<std::size_t>;

// With memory of its own, on the host.
Tensor CopyOf(const Tensor& tensor);

// The outputs of these names, in their order; all of them if there are no names. Throws InvalidArgumentError for a name
// that the signature does not have, UnsupportedError for an output that no call can return.
OutputSet OutputsNamed(const SignatureSpec& spec, const std::vector<std::string>& names);

// One signature and what is ready to run of it. Thread-safe.
class SignatureCallables {
 public:
  SignatureCallables(const SignatureSpec& spec, LoadedModel& model);

  const SignatureSpec& spec() const { return spec_; }
  const Callable& all_outputs() const { return *all_outputs_; }

  // Throws InvalidArgumentError for outputs on a GPU if there are too many sets of outputs already.
  std::vector<Tensor> Run(const Tensor* const* inputs, const OutputSet& wanted, const RunTerms& terms,
                          LoadedModel& model);

  // Computes the outputs wanted and no others; null if there are too many such sets already.
  const Callable* ForOutputs(const OutputSet& wanted, LoadedModel& model);

 private:
  const SignatureSpec& spec_;
  OutputSet all_;
  std::unique_ptr<Callable> all_outputs_;
  std::mutex mutex_;
  std::map<OutputSet, std::unique_ptr<Callable>> some_outputs_;
};

// The model that all its handles share. Thread-safe.
class SharedModel {
 public:
  SharedModel(std::unique_ptr<LoadedModel> loaded, const ModelOptions& options);
  ~SharedModel();

  const ModelInfo& info() const { return info_; }
  const std::string& manifest() const { return manifest_; }
  const std::vector<SignatureSpec>& signatures() const { return signatures_; }

  // Lives as long as this, unlike the callables. Throws InvalidArgumentError for an unknown name, UnsupportedError for
  // a signature that cannot be called.
  const SignatureSpec& Spec(const std::string& name) const;

  // The signature's callables, made when first asked for. They live until Close.
  SignatureCallables& Prepare(const std::string& name);
  // To be used under Use.
  LoadedModel& loaded() const { return *loaded_; }

  // Keeps the session while it lives. Throws if there is none.
  class Use {
   public:
    explicit Use(const SharedModel& model);

   private:
    std::shared_lock<std::shared_mutex> lock_;
  };

  // Counts a call, and an error unless Succeed() is called; neither if another counts it.
  class Count {
   public:
    explicit Count(SharedModel& model) : model_(model) {}
    ~Count() {
      if (left_) return;
      model_.calls_.fetch_add(1, std::memory_order_relaxed);
      if (!succeeded_) model_.errors_.fetch_add(1, std::memory_order_relaxed);
    }
    void Succeed() { succeeded_ = true; }
    void LeaveToAnother() { left_ = true; }

   private:
    SharedModel& model_;
    bool succeeded_ = false;
    bool left_ = false;
  };

  // Has `call`, which throws nothing, made in a thread of the model's. Throws ResourceExhaustedError if too many wait.
  void Submit(std::function<void()> call, const CallLimits& limits);

  ModelStats Stats() const;
  // Throws if the model is closed.
  ModelMemory Memory() const;
  void set_load_seconds(double callables, double warm_up);

  // Waits for the calls under way, and frees the session. Calls of a model that may block are cancelled after a while;
  // throws DeadlineExceededError if one goes on nevertheless.
  void Close();
  bool closed() const { return closed_.load(std::memory_order_relaxed); }

 private:
  // Takes session_mutex_ when the calls under way are over or cancelled.
  std::unique_lock<std::shared_mutex> LockForClose();

  const ForkGuard fork_guard_;
  const ModelInfo info_;
  const std::string manifest_;
  const std::vector<SignatureSpec> signatures_;
  const bool may_block_;
  std::atomic<bool> closed_{false};
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> errors_{0};
  double callables_seconds_ = 0;
  double warm_up_seconds_ = 0;
  mutable std::shared_mutex session_mutex_;  // shared by calls, exclusive for Close
  std::unique_ptr<LoadedModel> loaded_;
  std::mutex callables_mutex_;
  std::map<std::string, std::unique_ptr<SignatureCallables>> callables_;
  std::unique_ptr<CallQueue> queue_;
};

}  // namespace tftrt

#endif  // TFTRT_API_SHARED_MODEL_H_
