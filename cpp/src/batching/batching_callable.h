#ifndef TFTRT_BATCHING_BATCHING_CALLABLE_H_
#define TFTRT_BATCHING_BATCHING_CALLABLE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "api/backend.h"
#include "batching/batch_request.h"
#include "tensorflow/core/kernels/batching_util/adaptive_shared_batch_scheduler.h"

namespace tftrt {

using BatchScheduler = tensorflow::serving::AdaptiveSharedBatchScheduler<BatchTask>;

// TensorFlow's scheduler, with as many threads as batches may run at once; oldest first.
std::shared_ptr<BatchScheduler> MakeBatchScheduler(int batches_at_once);

struct BatchingOptions {
  int max_batch = 0;
  std::int64_t max_wait_us = 0;
  int max_queued_batches = 0;
  double tolerance = 0;  // by how much of their range numbers of the same row may differ between two runs
  bool warnings = true;
};

// Throws InvalidArgumentError if the inputs and these outputs of the signature cannot have a row for each item. Inputs
// that have a default value need no rows if another input has them.
void RequireRows(const SignatureSpec& signature, const std::vector<std::size_t>& outputs);

// Has calls of `inner` that are made at the same time share runs. Inputs and outputs of `signature`, of which `outputs`
// are `inner`'s, must be as RequireRows has them, and runs must have no effects. Calls are answered from runs of their
// own until three shared ones, of rows that all differ, have given each row what it gets alone; after one that does
// not, for good, with a warning. A default value that has no row for each of a call's rows is given to a shared run as
// it is; calls that give such an input run alone.
std::unique_ptr<Callable> MakeBatchingCallable(std::unique_ptr<Callable> inner, const SignatureSpec& signature,
                                               const std::vector<std::size_t>& outputs,
                                               std::shared_ptr<BatchScheduler> scheduler,
                                               const BatchingOptions& options);

}  // namespace tftrt

#endif  // TFTRT_BATCHING_BATCHING_CALLABLE_H_
