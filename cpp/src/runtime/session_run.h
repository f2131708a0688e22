#ifndef TFTRT_RUNTIME_SESSION_RUN_H_
#define TFTRT_RUNTIME_SESSION_RUN_H_

#include <cstddef>
#include <string>
#include <vector>

#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/platform/threadpool_options.h"
#include "tensorflow/core/public/session.h"

namespace tftrt {

// The tensors of a signature that are fed and fetched, and the nodes that run besides, by their names in the graph.
struct CallableTensors {
  std::string signature;  // for error messages
  std::vector<std::string> inputs;
  std::vector<bool> copy_input;  // see MayBeRetained
  std::vector<std::string> outputs;
  std::vector<std::string> targets;
};

// Where they are handed over: the rest on the host. TensorFlow can do that with some dtypes only.
struct RunPlaces {
  std::string device;             // the GPU's full name
  std::vector<bool> gpu_inputs;   // for each input
  std::vector<bool> gpu_outputs;  // for each output; one that is an input lies where that does
};

// A TensorFlow callable, with what a signature may ask for and TensorFlow does not give: outputs that are inputs, and
// the same output twice. Thread-safe. What is fetched on a GPU is there when TensorFlow's stream has passed it.
class SessionRun {
 public:
  // `session` must outlive it; `pools` too, where given. Throws as ThrowIfLoadError does.
  SessionRun(tensorflow::Session& session, const CallableTensors& tensors, const RunPlaces& places,
             bool single_threaded, const tensorflow::thread::ThreadPoolOptions* pools);
  SessionRun(const SessionRun&) = delete;
  SessionRun& operator=(const SessionRun&) = delete;
  ~SessionRun();

  // The caller's thread computes as it did before. Throws as ThrowIfError does; InvalidArgumentError for an output that
  // these inputs give no value.
  void Fetch(const std::vector<tensorflow::Tensor>& feeds, std::vector<tensorflow::Tensor>& fetches) const;

  std::size_t outputs() const { return sources_.size(); }

  // The tensor of an output, after Fetch.
  const tensorflow::Tensor& Output(std::size_t index, const std::vector<tensorflow::Tensor>& feeds,
                                   const std::vector<tensorflow::Tensor>& fetches) const;

  // The same for good: the only one there is, if TensorFlow, the caller and other outputs have no other.
  tensorflow::Tensor TakeOutput(std::size_t index, const std::vector<tensorflow::Tensor>& feeds,
                                std::vector<tensorflow::Tensor>& fetches) const;

 private:
  // TensorFlow neither fetches what is fed nor fetches a tensor twice.
  struct Source {
    bool is_input = false;
    std::size_t index = 0;  // among the inputs or the fetches
  };

  tensorflow::Session& session_;
  const tensorflow::thread::ThreadPoolOptions* const pools_;
  const std::string context_;
  const bool single_threaded_;
  std::vector<Source> sources_;
  std::vector<std::string> fetch_names_;
  std::vector<int> uses_;  // of each fetch
  tensorflow::Session::CallableHandle handle_ = 0;
  bool made_ = false;
};

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_SESSION_RUN_H_
