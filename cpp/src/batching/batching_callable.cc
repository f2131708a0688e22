#include "batching/batching_callable.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "batching/row_tensors.h"
#include "engines/shape_key.h"
#include "tf/status.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

// Calls whose rows have yet other shapes do not share runs.
constexpr std::size_t kMostQueues = 64;

// In place of a rank.
constexpr std::int64_t kForAllRows = -1;

// Shared runs that have to agree before calls are answered from one.
constexpr int kRunsToProve = 3;

// As far as the signature tells.
bool MayHaveRows(const TensorSpec& spec) {
  return !spec.known_rank || (!spec.shape.empty() && spec.shape.front() == -1);
}

void CheckRows(const SignatureSpec& signature, const TensorSpec& spec, const char* what) {
  if (MayHaveRows(spec)) return;
  throw InvalidArgumentError("max_batch is set, but the " + std::string(what) + " " + ToString(spec) +
                             " of signature \"" + signature.name +
                             "\" cannot be put into batches: expected a first dimension that is not fixed. Load the "
                             "model without max_batch");
}

std::int64_t RowsIn(const Tensor& tensor) { return tensor.shape().empty() ? 0 : tensor.shape().front(); }

class BatchingCallable final : public Callable {
 public:
  using Batch = tensorflow::serving::Batch<BatchTask>;

  BatchingCallable(std::unique_ptr<Callable> inner, const SignatureSpec& signature,
                   const std::vector<std::size_t>& outputs, std::shared_ptr<BatchScheduler> scheduler,
                   const BatchingOptions& options)
      : inner_(std::move(inner)),
        inputs_(signature.inputs),
        signature_(signature.name),
        scheduler_(std::move(scheduler)),
        options_(options) {
    for (std::size_t output : outputs) outputs_.push_back(signature.outputs[output].name);
  }

  // A caller may have stopped waiting for a batch that runs.
  ~BatchingCallable() override { pending_.Wait(); }

  std::vector<Tensor> Run(const Tensor* const* inputs, const RunTerms& terms) const override {
    Queue* queue = CanShare(inputs, terms) ? QueueFor(KeyOf(inputs)) : nullptr;
    // With limits it waits in the queue, which heeds them.
    if (queue == nullptr || (queue->alone && !terms.limits.any())) return inner_->Run(inputs, terms);
    const auto request = std::make_shared<BatchRequest>();
    for (std::size_t i = 0; i < inputs_.size(); ++i) request->inputs.push_back(*inputs[i]);
    request->limits = terms.limits;
    request->rows = RowsOf(inputs);
    pending_.Begin();
    auto task = std::make_unique<BatchTask>(request);
    const absl::Status status = queue->scheduler->Schedule(&task);
    if (!status.ok()) pending_.End(1);
    if (absl::IsUnavailable(status)) {
      throw ResourceExhaustedError("the model has " + std::to_string(options_.max_queued_batches) +
                                   " batches of requests waiting already; call it again later, or load it with more "
                                   "instances or a higher max_queued_batches");
    }
    ThrowIfError(status, "queueing a request");
    request->done.Wait(terms.limits);
    if (request->failure != nullptr) std::rethrow_exception(request->failure);
    return std::move(request->outputs);
  }

  bool HeedsLimits(const Tensor* const* inputs, const RunTerms& terms) const override {
    return (CanShare(inputs, terms) && QueueFor(KeyOf(inputs)) != nullptr) || inner_->HeedsLimits(inputs, terms);
  }

  void Warm(const Tensor* const* inputs) const override { inner_->Warm(inputs); }

  Tensor MakeInput(DType dtype, const Shape& shape, bool on_gpu) const override {
    return inner_->MakeInput(dtype, shape, on_gpu);
  }

  std::unique_ptr<Binding> Bind(std::vector<Tensor> inputs, std::vector<BoundOutput> outputs) const override {
    return inner_->Bind(std::move(inputs), std::move(outputs));
  }

 private:
  // Requests that are queued or run.
  class Pending {
   public:
    void Begin() {
      const std::lock_guard lock(mutex_);
      ++count_;
    }
    void End(int requests) {
      // Under the lock: whoever waits may destroy this as soon as it has it.
      const std::lock_guard lock(mutex_);
      count_ -= requests;
      if (count_ == 0) none_.notify_all();
    }
    void Wait() {
      std::unique_lock lock(mutex_);
      none_.wait(lock, [this] { return count_ == 0; });
    }

   private:
    std::mutex mutex_;
    std::condition_variable none_;
    int count_ = 0;
  };

  // Of the batches of one queue, of which several may run at once.
  struct Queue {
    ShapeKey key;
    std::atomic<int> proofs{0};
    std::atomic<bool> alone{false};  // a shared run has deviated
    std::unique_ptr<tensorflow::serving::BatchScheduler<BatchTask>> scheduler;
  };

  // Whether the call left the input out.
  bool IsDefault(std::size_t input, const Tensor& tensor) const {
    const Tensor& value = inputs_[input].default_value;
    return value.valid() && value.owner() == tensor.owner();
  }

  // The rows of the inputs that were given; 0 if there are none.
  std::int64_t RowsOf(const Tensor* const* inputs) const {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (!IsDefault(i, *inputs[i])) return RowsIn(*inputs[i]);
    }
    return 0;
  }

  // Whether every row has the whole of an input, instead of a row of its own: a default value that has no row for each
  // of the call's.
  bool IsForAllRows(std::size_t input, const Tensor& tensor, std::int64_t rows) const {
    return IsDefault(input, tensor) && !(MayHaveRows(inputs_[input]) && RowsIn(tensor) == rows);
  }

  bool CanShare(const Tensor* const* inputs, const RunTerms& terms) const {
    const std::int64_t rows = RowsOf(inputs);
    if (rows <= 0 || rows >= options_.max_batch || terms.any_on_gpu()) return false;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (IsForAllRows(i, *inputs[i], rows)) continue;
      if (inputs[i]->on_gpu() || !MayHaveRows(inputs_[i]) || RowsIn(*inputs[i]) != rows) return false;
    }
    return true;
  }

  // The shapes of its inputs' rows, and which inputs are the same for all of them.
  ShapeKey KeyOf(const Tensor* const* inputs) const {
    const std::int64_t rows = RowsOf(inputs);
    ShapeKey key;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (IsForAllRows(i, *inputs[i], rows)) {
        key.Add(kForAllRows);
        continue;
      }
      const Shape& shape = inputs[i]->shape();
      key.Add(static_cast<std::int64_t>(shape.size()));
      for (std::size_t d = 1; d < shape.size(); ++d) key.Add(shape[d]);
    }
    return key;
  }

  Queue* QueueFor(const ShapeKey& key) const {
    const std::lock_guard lock(mutex_);
    for (Queue& queue : queues_) {
      if (queue.key == key) return &queue;
    }
    if (queues_.size() >= kMostQueues) return nullptr;
    BatchScheduler::QueueOptions options;
    options.max_batch_size = options_.max_batch;
    options.max_enqueued_batches = options_.max_queued_batches;
    options.batch_timeout_micros = options_.max_wait_us;
    Queue& queue = queues_.emplace_back();
    queue.key = key;
    const auto process = [this, &queue](std::unique_ptr<Batch> batch) {
      Process(*batch, queue);
      const int requests = batch->num_tasks();
      batch.reset();
      pending_.End(requests);
    };
    ThrowIfError(scheduler_->AddQueue(options, process, &queue.scheduler), "making a queue for batches");
    return &queue;
  }

  void Process(const Batch& batch, Queue& queue) const {
    std::vector<BatchRequest*> requests;
    for (int i = 0; i < batch.num_tasks(); ++i) {
      BatchRequest& request = batch.task(i).request();
      if (IsGivenUp(request)) {
        request.done.Notify();
      } else {
        requests.push_back(&request);
      }
    }
    if (requests.empty()) return;
    if (requests.size() == 1 || queue.alone) {
      for (BatchRequest* request : requests) RunAlone(*request, queue);
    } else if (queue.proofs < kRunsToProve) {
      for (BatchRequest* request : requests) RunAlone(*request, queue);
      Prove(requests, queue);
    } else {
      try {
        RunTogether(requests);
      } catch (const std::exception&) {
        // One that fails fails alone. There are no effects that would be made twice.
        for (BatchRequest* request : requests) RunAlone(*request, queue);
      }
    }
    for (BatchRequest* request : requests) request->done.Notify();
  }

  static bool IsGivenUp(BatchRequest& request) {
    try {
      request.limits.Check();
    } catch (const Error&) {
      request.failure = std::current_exception();
    }
    return request.failure != nullptr;
  }

  static std::vector<const Tensor*> PointersTo(const std::vector<Tensor>& tensors) {
    std::vector<const Tensor*> pointers;
    for (const Tensor& tensor : tensors) pointers.push_back(&tensor);
    return pointers;
  }

  void RunAlone(BatchRequest& request, const Queue& queue) const {
    try {
      request.outputs = queue.alone ? inner_->Run(PointersTo(request.inputs).data()) : RunPadded(request);
    } catch (const std::exception&) {
      request.failure = std::current_exception();
    }
  }

  // How many rows are best run where requests like this one have `rows`.
  std::int64_t PaddedRows(const BatchRequest& request, std::int64_t rows) const {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (IsForAllRows(i, request.inputs[i], request.rows)) return rows;
    }
    return inner_->RowsToRun(PointersTo(request.inputs).data(), rows, options_.max_batch);
  }

  // Where no engine takes the rows, copies of the last one make them as many as an engine takes.
  std::vector<Tensor> RunPadded(const BatchRequest& request) const {
    const std::vector<const Tensor*> inputs = PointersTo(request.inputs);
    const std::int64_t padded = PaddedRows(request, request.rows);
    if (padded == request.rows) return inner_->Run(inputs.data());
    const std::vector<Tensor> outputs =
        RunRows(StackInputs(std::vector<const BatchRequest*>{&request}, padded), padded);
    std::vector<Tensor> own;
    for (const Tensor& output : outputs) own.push_back(CopyRows(output, 0, request.rows));
    return own;
  }

  template <typename Requests>
  std::vector<Tensor> StackInputs(const Requests& requests, std::int64_t rows) const {
    std::vector<Tensor> stacked;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const BatchRequest& first = *requests.front();
      if (IsForAllRows(i, first.inputs[i], first.rows)) {
        stacked.push_back(first.inputs[i]);
        continue;
      }
      std::vector<const Tensor*> parts;
      for (const BatchRequest* request : requests) parts.push_back(&request->inputs[i]);
      stacked.push_back(StackRows(parts, rows));
    }
    return stacked;
  }

  // Without what is the same for all rows of requests like this one.
  std::vector<Tensor> RowsOnly(const std::vector<Tensor>& inputs, const BatchRequest& request) const {
    std::vector<Tensor> rows;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (!IsForAllRows(i, request.inputs[i], request.rows)) rows.push_back(inputs[i]);
    }
    return rows;
  }

  std::vector<Tensor> RunRows(const std::vector<Tensor>& inputs, std::int64_t rows) const {
    std::vector<Tensor> outputs = inner_->Run(PointersTo(inputs).data());
    for (const Tensor& output : outputs) {
      if (RowsIn(output) == rows) continue;
      throw UnsupportedError("an output has the shape " + ToString(output.shape()) + " for " + std::to_string(rows) +
                             " items");
    }
    return outputs;
  }

  std::int64_t RowsToShare(const std::vector<BatchRequest*>& requests) const {
    std::int64_t rows = 0;
    for (const BatchRequest* request : requests) rows += request->rows;
    return PaddedRows(*requests.front(), rows);
  }

  // Makes the shared run of requests that have been answered, and compares.
  void Prove(const std::vector<BatchRequest*>& all, Queue& queue) const {
    std::vector<BatchRequest*> requests;
    for (BatchRequest* request : all) {
      if (request->failure == nullptr) requests.push_back(request);
    }
    if (requests.size() < 2) return;
    std::int64_t rows = 0;
    for (const BatchRequest* request : requests) rows += request->rows;
    const bool counts = AllRowsDiffer(RowsOnly(StackInputs(requests, rows), *requests.front()));
    std::vector<Tensor> outputs;
    try {
      outputs = inner_->Run(PointersTo(StackInputs(requests, RowsToShare(requests))).data());
    } catch (const std::exception& error) {
      return StopSharing(queue, std::string("a shared run failed: ") + error.what());
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      std::vector<const Tensor*> parts;
      for (const BatchRequest* request : requests) parts.push_back(&request->outputs[i]);
      if (RowsAgree(parts, outputs[i], options_.tolerance)) continue;
      return StopSharing(queue, "output \"" + outputs_[i] + "\" depends on the other rows of a batch");
    }
    if (counts) ++queue.proofs;
  }

  void StopSharing(Queue& queue, const std::string& why) const {
    queue.alone = true;
    if (!options_.warnings || warned_.exchange(true)) return;
    std::fprintf(stderr, "tftrt: warning: max_batch is set, but calls of signature \"%s\" run one by one: %s\n",
                 signature_.c_str(), why.c_str());
  }

  void RunTogether(const std::vector<BatchRequest*>& requests) const {
    const std::int64_t rows = RowsToShare(requests);
    const std::vector<Tensor> outputs = RunRows(StackInputs(requests, rows), rows);
    std::int64_t first = 0;
    for (BatchRequest* request : requests) {
      std::vector<Tensor> own;
      for (const Tensor& output : outputs) own.push_back(CopyRows(output, first, request->rows));
      request->outputs = std::move(own);
      first += request->rows;
    }
  }

  const std::unique_ptr<Callable> inner_;
  const std::vector<TensorSpec> inputs_;
  const std::string signature_;
  std::vector<std::string> outputs_;  // their names
  const std::shared_ptr<BatchScheduler> scheduler_;
  const BatchingOptions options_;
  mutable Pending pending_;
  mutable std::atomic<bool> warned_{false};
  mutable std::mutex mutex_;
  // Destroyed first: a queue waits for the batches that use the rest.
  mutable std::deque<Queue> queues_;
};

}  // namespace

std::shared_ptr<BatchScheduler> MakeBatchScheduler(int batches_at_once) {
  BatchScheduler::Options options;
  options.thread_pool_name = "tftrt_batches";
  options.num_batch_threads = batches_at_once;
  // Always as many, instead of what TensorFlow learns from latencies.
  options.min_in_flight_batches_limit = batches_at_once;
  options.initial_in_flight_batches_limit = batches_at_once;
  options.fifo_scheduling = true;
  std::shared_ptr<BatchScheduler> scheduler;
  ThrowIfError(BatchScheduler::Create(options, &scheduler), "making a scheduler for batches");
  return scheduler;
}

void RequireRows(const SignatureSpec& signature, const std::vector<std::size_t>& outputs) {
  if (signature.inputs.empty()) {
    throw InvalidArgumentError("max_batch is set, but signature \"" + signature.name + "\" has no inputs");
  }
  const auto left_out = [](const TensorSpec& input) { return input.default_value.valid() && !MayHaveRows(input); };
  for (const TensorSpec& input : signature.inputs) {
    if (!left_out(input)) CheckRows(signature, input, "input");
  }
  if (std::all_of(signature.inputs.begin(), signature.inputs.end(), left_out)) {
    CheckRows(signature, signature.inputs.front(), "input");
  }
  for (std::size_t output : outputs) CheckRows(signature, signature.outputs[output], "output");
}

std::unique_ptr<Callable> MakeBatchingCallable(std::unique_ptr<Callable> inner, const SignatureSpec& signature,
                                               const std::vector<std::size_t>& outputs,
                                               std::shared_ptr<BatchScheduler> scheduler,
                                               const BatchingOptions& options) {
  return std::make_unique<BatchingCallable>(std::move(inner), signature, outputs, std::move(scheduler), options);
}

}  // namespace tftrt
