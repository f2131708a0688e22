#ifndef TFTRT_MODEL_H_
#define TFTRT_MODEL_H_

#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tftrt/call.h"
#include "tftrt/dtype.h"
#include "tftrt/export.h"
#include "tftrt/options.h"
#include "tftrt/stats.h"
#include "tftrt/tensor.h"

namespace tftrt {

// One input or output of a signature.
struct TensorSpec {
  std::string name;
  DType dtype = DType::kFloat32;
  Shape shape;             // -1 for a dimension that is not fixed; meaningless if !known_rank
  bool known_rank = true;  // false: any number of dimensions
  // Of an input: its value in calls that leave the input out. Not valid() if every call must give it.
  Tensor default_value = Tensor();
};

// "images: float32[?, 224, 224, 3]"
TFTRT_EXPORT std::string ToString(const TensorSpec& spec);

struct SignatureSpec {
  std::string name;
  std::vector<TensorSpec> inputs;   // sorted by name
  std::vector<TensorSpec> outputs;  // sorted by name
  std::string unsupported;          // why tftrt cannot call it (a sparse input, say); empty if it can
  // Outputs that no call can return (sparse ones, say), sorted by name: the name and the reason.
  std::vector<std::pair<std::string, std::string>> unavailable;
};

// What loading decided and how long it took.
struct ModelInfo {
  std::string path;
  std::vector<std::string> tags;
  std::string device;           // "cpu" or "gpu:N"
  std::string executor;         // "single" or "parallel"
  std::string executor_reason;  // why, for executor "auto"
  int engines = 0;              // TRTEngineOp nodes in the graph
  int engines_ready = 0;        // of them, have an engine of TensorRT's to run
  int instances = 0;            // requests that can run at once on engines without TensorFlow's session; 0: none can
  // Why TensorRT cannot be used although the model is on a GPU; empty if it can.
  std::string tensorrt_problem;
  // Why all engines run as their native segments although the model is on a GPU; empty if they do not.
  std::string engine_problem;
  // Seconds of each phase of loading, in order: {"verify", 0.01}, {"read", ...}, ...
  std::vector<std::pair<std::string, double>> load_seconds;
};

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;
using NamedShapes = std::vector<std::pair<std::string, Shape>>;

class Runner;

// A loaded SavedModel, seen through one of its signatures. Cheap to copy: copies, and the handles of other
// signatures, share one session. Thread-safe; any number of threads may call Run at once.
class TFTRT_EXPORT Model {
 public:
  // Loads the SavedModel in folder `path`, restores its variables, runs its initialisers, loads its engines and makes
  // the signature ready to call. A model that tftrt converted is checked against its manifest first. A SavedModel is a
  // program: load it only from where you trust. Throws ModelError (missing, damaged), InvalidArgumentError (unknown
  // signature, tag set or option; a warm-up call that does not like its made-up input), UnsupportedError (an op that
  // nobody registered), IncompatibleError (no or another TensorFlow; engines for another GPU or TensorRT),
  // InternalError (no memory, too many open files: says nothing about the model).
  static Model Load(const std::string& path, const ModelOptions& options = {});

  // The same model through another of its signatures. Throws InvalidArgumentError if there is none of that name.
  Model WithSignature(const std::string& name) const;

  const std::string& signature() const;
  const std::vector<TensorSpec>& inputs() const;
  const std::vector<TensorSpec>& outputs() const;
  std::vector<std::string> signatures() const;
  const ModelInfo& info() const;

  // The JSON text of assets.extra/tftrt.json; empty for a model that tftrt did not convert.
  const std::string& manifest() const;

  // Runs the signature once, in the caller's thread where the graph allows. `inputs` are by name, in any order, on the
  // host or on a GPU (where they are read after what was queued in CUDA's default stream). An input that has a default
  // value may be left out. Inputs must not be written to before Run returns. Returns, on the host, the tensors named in
  // `outputs`, in that order, or all of outputs() if it is empty; what only other outputs need is not computed
  // (for the first 32 different lists; then all is computed, and the outputs are picked).
  // Throws InvalidArgumentError if a name, dtype or shape does not fit the signature, or the model is closed;
  // ResourceExhaustedError if calls are batched (ModelOptions::max_batch) and too many batches are waiting. Throws
  // UnsupportedError for an output that no call can return (SignatureSpec::unavailable).
  std::vector<Tensor> Run(const NamedTensors& inputs, const std::vector<std::string>& outputs = {}) const;

  // The same as `options` say. A call with a deadline or a cancellation that TensorFlow's session runs is made in a
  // thread of the model's, as by RunAsync. Throws also DeadlineExceededError, CancelledError, and UnsupportedError for
  // outputs on a GPU if the model does not run on one.
  std::vector<Tensor> Run(const NamedTensors& inputs, const CallOptions& options) const;

  // The same in a thread of the model's, which the call keeps loaded. Calls begin in the order in which they are made,
  // at least as many at a time as there are processors. Inputs must not be written to until the future is ready, which
  // has what Run returns or throws; a run that was given up may go on after that, see CallOptions. Throws at once what
  // is wrong with the arguments, and ResourceExhaustedError if ModelOptions::max_queued_calls are waiting.
  std::future<std::vector<Tensor>> RunAsync(const NamedTensors& inputs, const CallOptions& options = {}) const;

  // The same, and calls `done` in that thread instead, with the outputs, or with what was thrown. It throws nothing.
  using Done = std::function<void(std::vector<Tensor> outputs, std::exception_ptr error)>;
  void RunAsync(const NamedTensors& inputs, const CallOptions& options, Done done) const;

  // The same with the tensors in the order of inputs(), for callers that count nanoseconds. One that is not valid()
  // stands for the default value.
  std::vector<Tensor> RunOrdered(const std::vector<Tensor>& inputs) const;

  // The signature with inputs and outputs that stay where they are: see runner.h, which is to be included. Every Run
  // reads the memory of `inputs`, which are given as for Run, on the host or on the model's GPU, mixed freely. Outputs
  // as for Run; those named in `on_gpu` are written to GPU memory, those in `into` to the memory of the tensors given
  // there, on the host or on the model's GPU: without a copy in between if it is pinned or on the GPU, and the model
  // runs without TensorFlow's session. Run then throws InvalidArgumentError if an output does not have their dtype and
  // shape. Throws what Run throws, InvalidArgumentError beyond
  // 32 different lists of outputs, UnsupportedError for `on_gpu` if the model does not run on a GPU and for inputs on
  // another GPU than it does.
  Runner Bind(const NamedTensors& inputs, const std::vector<std::string>& outputs = {},
              const std::vector<std::string>& on_gpu = {}, const NamedTensors& into = {}) const;

  // The same, with inputs of these shapes for the caller to fill, as MakeInput makes them: on the GPU, if `on_gpu`
  // names them. Those whose shape is fixed may be left out. An input that is left out and has a default value gets a
  // copy of it, here and above.
  Runner Bind(const NamedShapes& shapes, const std::vector<std::string>& outputs = {},
              const std::vector<std::string>& on_gpu = {}, const NamedTensors& into = {}) const;

  // Zeros (strings: empty) for the input of this name, in memory that it is read from without a copy: aligned, and
  // pinned where the GPU itself reads it; or GPU memory. It may outlive the model. Throws InvalidArgumentError if the
  // shape does not fit, UnsupportedError for GPU memory if the model does not run on a GPU.
  Tensor MakeInput(const std::string& name, const Shape& shape, bool on_gpu = false) const;

  // What was called and what ran it since the model was loaded, the calls that warmed it not counted.
  ModelStats Stats() const;

  // What it takes now.
  ModelMemory Memory() const;

  // Waits for the calls under way, then frees the session; any later call through any copy throws, and so do calls of
  // RunAsync that have not begun. Without it, the session is freed with the last copy. If the graph has ops that may
  // wait for another op (queues, staging areas, iterators), calls under way are cancelled after one second and throw
  // CancelledError. Throws DeadlineExceededError if an op goes on for ten seconds more; Close may be called again.
  void Close();
  bool closed() const;

 private:
  class Impl;
  explicit Model(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

// What a SavedModel holds, read without loading it.
struct SavedModelInfo {
  std::vector<std::vector<std::string>> tag_sets;
  std::vector<std::string> tags;  // of the graph that the rest describes
  std::vector<SignatureSpec> signatures;
  std::vector<std::pair<std::string, std::int64_t>> ops;  // of the graph and its functions: type, count
  std::string manifest;                                   // as Model::manifest()
};

// Reads `path` without running anything of it. Throws as Model::Load does.
TFTRT_EXPORT SavedModelInfo InspectSavedModel(const std::string& path,
                                              const std::vector<std::string>& tags = {"serve"});

}  // namespace tftrt

#endif  // TFTRT_MODEL_H_
