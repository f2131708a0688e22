#include "worker.h"

#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

namespace service {
namespace {

// An old version is let go of after so long without a request.
constexpr std::chrono::milliseconds kPatience{1000};
// Of different shapes; a client that sends ever new ones costs time, not memory.
constexpr std::size_t kMostRunners = 16;

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
    FollowVersion();
    if (job) job->connection->Send(Answer(job->message));
  }
}

std::string Worker::Answer(const std::string& message) {
  Request request;
  if (!ParseRequest(message, request))
    return Text(request.id, Status::kInvalid, current_.version, "this is no request");
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
  tftrt::Runner& runner = RunnerFor(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    tftrt::Tensor input = runner.input(i);
    if (!inputs[i].elements.empty()) std::memcpy(input.data(), inputs[i].elements.data(), inputs[i].elements.size());
  }
  runner.Run();
  std::string answer = BeginAnswer(request.id, Status::kOk, current_.version);
  for (std::size_t i = 0; i < runner.outputs().size(); ++i) AppendTensor(runner.output(i), answer);
  return answer;
}

tftrt::Runner& Worker::RunnerFor(const std::vector<TensorView>& inputs) {
  std::vector<tftrt::Shape> shapes;
  for (const TensorView& input : inputs) shapes.push_back(input.shape);
  const auto found = runners_.find(shapes);
  if (found != runners_.end()) return found->second;

  tftrt::NamedShapes named;
  for (std::size_t i = 0; i < shapes.size(); ++i) named.emplace_back(current_.model.inputs()[i].name, shapes[i]);
  if (runners_.size() >= kMostRunners) runners_.clear();
  return runners_.emplace(std::move(shapes), current_.model.Bind(named)).first->second;
}

void Worker::FollowVersion() {
  tftrt::VersionedModel now = repository_.current();
  // Not by the number: a version that was removed may come back as another model.
  if (&now.model.info() == &current_.model.info()) return;
  runners_.clear();
  current_ = std::move(now);
}

}  // namespace service
