#include "worker.h"

#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

namespace service {
namespace {

// An old version is let go of after so long without a request.
constexpr std::chrono::milliseconds kPatience{1000};

std::string Text(std::uint64_t id, Status status, std::int64_t version, const std::string& text) {
  return BeginAnswer(id, status, version) + text;
}

std::string Line(const char* what, const tftrt::TensorSpec& spec) {
  return std::string(what) + " " + tftrt::ToString(spec) + "\n";
}

}  // namespace

void CheckModel(const tftrt::Model& model, const std::string& expected) {
  for (const auto* specs : {&model.inputs(), &model.outputs()}) {
    for (const tftrt::TensorSpec& spec : *specs) {
      if (spec.dtype == tftrt::DType::kString) {
        throw tftrt::UnsupportedError(tftrt::ToString(spec) + ": this service sends numbers only");
      }
    }
  }
  if (!expected.empty() && Describe(model) != expected) {
    throw tftrt::UnsupportedError("its signature is not that of the first version, which clients know; expected\n" +
                                  expected + "found\n" + Describe(model));
  }
}

std::string Describe(const tftrt::Model& model) {
  std::string text = "ready\n";
  for (const tftrt::TensorSpec& spec : model.inputs()) text += Line("input", spec);
  for (const tftrt::TensorSpec& spec : model.outputs()) text += Line("output", spec);
  return text;
}

void Worker::Work(BoundedQueue<Job>& queue) {
  while (!queue.drained()) {
    const std::optional<Job> job = queue.Pop(kPatience);
    const Serving before = FollowVersion();
    if (job) job->connection->Answer(Answer(*job));
    // What served before is freed here, when nobody waits for an answer of this worker's.
  }
}

std::string Worker::Answer(const Job& job) {
  Request request;
  if (!ParseRequest(job.message, request))
    return Text(request.id, Status::kInvalid, current_.version, "this is no request");
  if (std::chrono::steady_clock::now() - job.accepted > max_wait_) {
    return Text(request.id, Status::kLate, current_.version,
                "it waited longer than the " + std::to_string(max_wait_.count()) + " ms that a request may");
  }
  try {
    if (request.kind == Kind::kRun) {
      std::string answer = Run(request);
      if (answer.size() <= kLargestMessage) return answer;
      return Text(request.id, Status::kFailed, current_.version, "the answer is longer than a message may be");
    }
    return Text(request.id, Status::kOk, current_.version, Describe(current_.model));
  } catch (const tftrt::InvalidArgumentError& error) {
    return Text(request.id, Status::kInvalid, current_.version, error.what());
  } catch (const std::exception& error) {
    return Text(request.id, Status::kFailed, current_.version, error.what());
  }
}

std::string Worker::Run(const Request& request) {
  std::vector<tftrt::DType> dtypes;
  for (const tftrt::TensorSpec& spec : current_.model.inputs()) dtypes.push_back(spec.dtype);
  std::vector<TensorView> inputs;
  if (!ParseTensors(request.inputs, dtypes, inputs)) {
    return Text(request.id, Status::kInvalid, current_.version,
                "the inputs are not the " + std::to_string(dtypes.size()) + " tensors that the signature has");
  }
  Shapes shapes;
  for (const TensorView& input : inputs) shapes.push_back(input.shape);
  auto bound = runners_.find(shapes);
  if (bound == runners_.end()) {
    tftrt::Runner made = Bind(current_.model, shapes);
    if (runners_.size() >= kMostShapes) runners_.clear();
    bound = runners_.emplace(shapes, std::move(made)).first;
  }
  tftrt::Runner& runner = bound->second;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    tftrt::Tensor input = runner.input(i);
    if (!inputs[i].elements.empty()) std::memcpy(input.data(), inputs[i].elements.data(), inputs[i].elements.size());
  }
  runner.Run();
  warm_.Remember(shapes);
  std::string answer = BeginAnswer(request.id, Status::kOk, current_.version);
  for (std::size_t i = 0; i < runner.outputs().size(); ++i) AppendTensor(runner.output(i), answer);
  return answer;
}

Worker::Serving Worker::FollowVersion() {
  tftrt::VersionedModel now = repository_.current();
  // Not by the number: a version that was removed may come back as another model.
  if (&now.model.info() == &current_.model.info()) return {};
  Serving before{std::exchange(current_, std::move(now)), std::exchange(runners_, {})};
  runners_ = warm_.Take(current_.model);
  return before;
}

}  // namespace service
