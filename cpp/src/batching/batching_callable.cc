#include "batching/batching_callable.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
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

// As far as the signature tells.
void CheckRows(const SignatureSpec& signature, const TensorSpec& spec, const char* what) {
  const bool may_have_rows = !spec.known_rank || (!spec.shape.empty() && spec.shape.front() == -1);
  if (may_have_rows && spec.dtype != DType::kString) return;
  throw InvalidArgumentError("max_batch is set, but the " + std::string(what) + " " + ToString(spec) +
                             " of signature \"" + signature.name +
                             "\" cannot be put into batches: expected numbers with a first dimension that is not "
                             "fixed. Load the model without max_batch");
}

std::int64_t RowsIn(const Tensor& tensor) { return tensor.shape().empty() ? 0 : tensor.shape().front(); }

class BatchingCallable final : public Callable {
 public:
  using Batch = tensorflow::serving::Batch<BatchTask>;

  BatchingCallable(std::unique_ptr<Callable> inner, std::size_t inputs, std::shared_ptr<BatchScheduler> scheduler,
                   const BatchingOptions& options)
      : inner_(std::move(inner)), inputs_(inputs), scheduler_(std::move(scheduler)), options_(options) {}

  // A caller may have stopped waiting for a batch that runs.
  ~BatchingCallable() override { pending_.Wait(); }

  std::vector<Tensor> Run(const Tensor* const* inputs, const RunTerms& terms) const override {
    Queue* queue = CanShare(inputs, terms) ? QueueFor(RowsOf(inputs)) : nullptr;
    if (queue == nullptr) return inner_->Run(inputs, terms);
    const auto request = std::make_shared<BatchRequest>();
    for (std::size_t i = 0; i < inputs_; ++i) request->inputs.push_back(*inputs[i]);
    request->limits = terms.limits;
    request->rows = RowsIn(*inputs[0]);
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
    return (CanShare(inputs, terms) && QueueFor(RowsOf(inputs)) != nullptr) || inner_->HeedsLimits(inputs, terms);
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

  struct Queue {
    ShapeKey key;
    std::unique_ptr<tensorflow::serving::BatchScheduler<BatchTask>> scheduler;
  };

  bool CanShare(const Tensor* const* inputs, const RunTerms& terms) const {
    const std::int64_t rows = RowsIn(*inputs[0]);
    return rows > 0 && rows < options_.max_batch && !terms.any_on_gpu() &&
           std::all_of(
               inputs, inputs + inputs_,
               [&](const Tensor* input) { return !input->on_gpu() && RowsIn(*input) == rows; });
  }

  // The shapes of its inputs' rows.
  ShapeKey RowsOf(const Tensor* const* inputs) const {
    ShapeKey key;
    for (std::size_t i = 0; i < inputs_; ++i) {
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
    const auto process = [this](std::unique_ptr<Batch> batch) {
      Process(*batch);
      const int requests = batch->num_tasks();
      batch.reset();
      pending_.End(requests);
    };
    ThrowIfError(scheduler_->AddQueue(options, process, &queue.scheduler), "making a queue for batches");
    return &queue;
  }

  void Process(const Batch& batch) const {
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
    try {
      RunTogether(requests);
    } catch (const std::exception&) {
      // One that fails fails alone.
      for (BatchRequest* request : requests) RunAlone(*request);
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

  void RunAlone(BatchRequest& request) const {
    try {
      request.outputs = inner_->Run(PointersTo(request.inputs).data());
    } catch (const std::exception&) {
      request.failure = std::current_exception();
    }
  }

  void RunTogether(const std::vector<BatchRequest*>& requests) const {
    if (requests.size() == 1) return RunAlone(*requests.front());
    std::int64_t rows = 0;
    for (const BatchRequest* request : requests) rows += request->rows;
    const std::int64_t padded =
        inner_->RowsToRun(PointersTo(requests.front()->inputs).data(), rows, options_.max_batch);
    std::vector<Tensor> stacked;
    for (std::size_t i = 0; i < inputs_; ++i) {
      std::vector<const Tensor*> parts;
      for (const BatchRequest* request : requests) parts.push_back(&request->inputs[i]);
      stacked.push_back(StackRows(parts, padded));
    }
    const std::vector<Tensor> outputs = inner_->Run(PointersTo(stacked).data());
    for (const Tensor& output : outputs) {
      if (RowsIn(output) != padded) {
        throw UnsupportedError("an output has the shape " + ToString(output.shape()) + " for " +
                               std::to_string(padded) + " items");
      }
    }
    std::int64_t first = 0;
    for (BatchRequest* request : requests) {
      std::vector<Tensor> own;
      for (const Tensor& output : outputs) own.push_back(CopyRows(output, first, request->rows));
      request->outputs = std::move(own);
      first += request->rows;
    }
  }

  const std::unique_ptr<Callable> inner_;
  const std::size_t inputs_;
  const std::shared_ptr<BatchScheduler> scheduler_;
  const BatchingOptions options_;
  mutable Pending pending_;
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

std::unique_ptr<Callable> MakeBatchingCallable(std::unique_ptr<Callable> inner, const SignatureSpec& signature,
                                               const std::vector<std::size_t>& outputs,
                                               std::shared_ptr<BatchScheduler> scheduler,
                                               const BatchingOptions& options) {
  if (signature.inputs.empty()) {
    throw InvalidArgumentError("max_batch is set, but signature \"" + signature.name + "\" has no inputs");
  }
  for (const TensorSpec& input : signature.inputs) CheckRows(signature, input, "input");
  for (std::size_t output : outputs) CheckRows(signature, signature.outputs[output], "output");
  return std::make_unique<BatchingCallable>(std::move(inner), signature.inputs.size(), std::move(scheduler), options);
}

}  // namespace tftrt
