#ifndef SERVICE_WORKER_H_
#define SERVICE_WORKER_H_

#include <tftrt/model_repository.h>
#include <tftrt/runner.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bounded_queue.h"
#include "connection.h"
#include "protocol.h"

namespace service {

// A request that was accepted: it will be answered.
struct Job {
  std::shared_ptr<Connection> connection;
  std::string message;
};

// Answers requests, one after the other, in a thread of its own. For each shape it keeps a bound call, whose inputs and
// outputs are where the GPU reads and writes them.
class Worker {
 public:
  explicit Worker(tftrt::ModelRepository repository)
      : repository_(std::move(repository)), current_(repository_.current()) {}

  // Until the queue is closed and empty.
  void Work(BoundedQueue<Job>& queue);

 private:
  std::string Answer(const std::string& message);
  std::string Run(const Request& request);
  tftrt::Runner& RunnerFor(const std::vector<TensorView>& inputs);
  void FollowVersion();

  tftrt::ModelRepository repository_;
  tftrt::VersionedModel current_;
  std::map<std::vector<tftrt::Shape>, tftrt::Runner> runners_;
};

// What the service needs of a model: throws tftrt::UnsupportedError if it has inputs or outputs of strings, or, unless
// `expected` is empty, is not described like that.
void CheckModel(const tftrt::Model& model, const std::string& expected);

// The text of Kind::kStatus.
std::string Describe(const tftrt::Model& model);

}  // namespace service

#endif  // SERVICE_WORKER_H_
