#ifndef SERVICE_WORKER_H_
#define SERVICE_WORKER_H_

#include <tftrt/model_repository.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bounded_queue.h"
#include "connection.h"
#include "protocol.h"
#include "warm_runners.h"

namespace service {

// A request that was accepted: it will be answered.
struct Job {
  std::shared_ptr<Connection> connection;
  std::string message;
  std::chrono::steady_clock::time_point accepted;
};

// Answers requests, one after the other, in a thread of its own. For each shape it keeps a bound call, whose inputs and
// outputs are where the GPU reads and writes them.
class Worker {
 public:
  // Requests that waited longer than `max_wait` are answered kLate. `warm` has to live longer.
  Worker(tftrt::ModelRepository repository, WarmRunners& warm, std::chrono::milliseconds max_wait)
      : repository_(std::move(repository)), warm_(warm), max_wait_(max_wait), current_(repository_.current()) {}

  // Until the queue is closed and empty.
  void Work(BoundedQueue<Job>& queue);

 private:
  std::string Answer(const Job& job);
  std::string Run(const Request& request);

  struct Serving {
    std::optional<tftrt::VersionedModel> version;
    Runners runners;
  };
  // Goes on with what the repository serves now; what there was before, if that is another one.
  Serving FollowVersion();

  tftrt::ModelRepository repository_;
  WarmRunners& warm_;
  std::chrono::milliseconds max_wait_;
  tftrt::VersionedModel current_;
  Runners runners_;
};

// What the service needs of a model: throws tftrt::UnsupportedError if it has inputs or outputs of strings, or, unless
// `expected` is empty, is not described like that.
void CheckModel(const tftrt::Model& model, const std::string& expected);

// The text of Kind::kStatus.
std::string Describe(const tftrt::Model& model);

}  // namespace service

#endif  // SERVICE_WORKER_H_
