#include "runtime/session_run.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "runtime/float_mode.h"
#include "tensorflow/core/protobuf/config.pb.h"
#include "tf/status.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

std::size_t IndexOrAppend(std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  const auto index = static_cast<std::size_t>(found - names.begin());
  if (found == names.end()) names.push_back(name);
  return index;
}

// In place of a fetched tensor until TensorFlow sets it, which it does not do on a branch that was not taken.
const tensorflow::Tensor& NotComputed() {
  static const tensorflow::Tensor tensor(tensorflow::DT_BOOL, tensorflow::TensorShape({1}));
  return tensor;
}

}  // namespace

SessionRun::SessionRun(tensorflow::Session& session, const CallableTensors& tensors, const RunPlaces& places,
                       bool single_threaded, const tensorflow::thread::ThreadPoolOptions* pools)
    : session_(session),
      pools_(pools),
      context_("running signature \"" + tensors.signature + "\""),
      single_threaded_(single_threaded) {
  tensorflow::CallableOptions options;
  for (std::size_t i = 0; i < tensors.outputs.size(); ++i) {
    const std::string& output = tensors.outputs[i];
    const auto fed = std::find(tensors.inputs.begin(), tensors.inputs.end(), output);
    if (fed != tensors.inputs.end()) {
      sources_.push_back({true, static_cast<std::size_t>(fed - tensors.inputs.begin())});
      continue;
    }
    sources_.push_back({false, IndexOrAppend(fetch_names_, output)});
    if (!places.gpu_outputs.empty() && places.gpu_outputs[i])
      (*options.mutable_fetch_devices())[output] = places.device;
  }
  uses_.resize(fetch_names_.size());
  for (const Source& source : sources_) {
    if (!source.is_input) ++uses_[source.index];
  }
  if (fetch_names_.empty() && tensors.targets.empty()) return;

  options.mutable_feed()->Assign(tensors.inputs.begin(), tensors.inputs.end());
  options.mutable_fetch()->Assign(fetch_names_.begin(), fetch_names_.end());
  options.mutable_target()->Assign(tensors.targets.begin(), tensors.targets.end());
  for (std::size_t i = 0; i < places.gpu_inputs.size(); ++i) {
    if (places.gpu_inputs[i]) (*options.mutable_feed_devices())[tensors.inputs[i]] = places.device;
  }
  // TensorFlow demands it.
  options.set_fetch_skip_sync(!options.fetch_devices().empty());
  // Ops that hand work on do it in the caller's thread.
  if (single_threaded) options.mutable_run_options()->set_inter_op_thread_pool(-1);
  // Constants are folded in this thread.
  const TensorFlowFloatMode mode;
  ThrowIfLoadError(session_.MakeCallable(options, &handle_), "preparing signature \"" + tensors.signature + "\"");
  made_ = true;
}

SessionRun::~SessionRun() {
  if (made_) session_.ReleaseCallable(handle_).IgnoreError();
}

void SessionRun::Fetch(const std::vector<tensorflow::Tensor>& feeds, std::vector<tensorflow::Tensor>& fetches) const {
  fetches.assign(uses_.size(), NotComputed());
  if (made_) {
    // Otherwise the ops run in threads of TensorFlow's.
    std::optional<TensorFlowFloatMode> mode;
    if (single_threaded_) mode.emplace();
    ThrowIfError(pools_ == nullptr ? session_.RunCallable(handle_, feeds, &fetches, nullptr)
                                   : session_.RunCallable(handle_, feeds, &fetches, nullptr, *pools_),
                 context_);
  }
  for (std::size_t i = 0; i < fetches.size(); ++i) {
    if (fetches[i].SharesBufferWith(NotComputed())) {
      throw InvalidArgumentError(context_ + " failed: \"" + fetch_names_[i] +
                                 "\" is on a branch of the graph that these inputs do not take, so it has no value");
    }
  }
}

const tensorflow::Tensor& SessionRun::Output(std::size_t index, const std::vector<tensorflow::Tensor>& feeds,
                                             const std::vector<tensorflow::Tensor>& fetches) const {
  const Source& source = sources_[index];
  return source.is_input ? feeds[source.index] : fetches[source.index];
}

tensorflow::Tensor SessionRun::TakeOutput(std::size_t index, const std::vector<tensorflow::Tensor>& feeds,
                                          std::vector<tensorflow::Tensor>& fetches) const {
  const Source& source = sources_[index];
  if (source.is_input) return feeds[source.index];
  if (uses_[source.index] == 1) return std::move(fetches[source.index]);
  return fetches[source.index];
}

}  // namespace tftrt
