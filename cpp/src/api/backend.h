#ifndef TFTRT_API_BACKEND_H_
#define TFTRT_API_BACKEND_H_

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "api/call_limits.h"
#include "tftrt/engine_builder.h"
#include "tftrt/model.h"
#include "tftrt/stats.h"

namespace tftrt {

// RuntimeOptions as they hold from the first session on.
struct ResolvedRuntimeOptions {
  bool gpu_memory_growth = true;
  std::int64_t gpu_memory_limit_mb = 0;  // 0: no limit
  int intra_op_threads = 0;              // 0: TensorFlow's default
  int inter_op_threads = 0;
  bool warnings = true;  // whether tftrt itself may write to stderr
};

// A callable with inputs and outputs that stay where they are. One thread at a time.
class Binding {
 public:
  virtual ~Binding() = default;

  // Reads the inputs that it was made with and writes the outputs: one for each of the callable's. Those whose shape
  // and dtype stay the same keep their memory. What lies on a GPU is read after what was queued in CUDA's default
  // stream; all is done when it returns. With `stream`, a CUDA stream's address, that stream takes its place: what is
  // queued there later comes after the run, which need not be over when this returns.
  virtual void Run(std::vector<Tensor>& outputs, void* const* stream) = 0;
};

// What a run shall do.
struct RunTerms {
  std::vector<bool> on_gpu;  // for each output, whether it is returned in GPU memory; empty: none is
  CallLimits limits;

  bool any_on_gpu() const { return std::find(on_gpu.begin(), on_gpu.end(), true) != on_gpu.end(); }
};

// Where a bound output is written to.
struct BoundOutput {
  std::string name;
  bool on_gpu = false;
  Tensor memory;  // the caller's; not valid(): the binding's own, on the GPU or the host
};

// One signature, pruned to some of its outputs and ready to run. Thread-safe.
class Callable {
 public:
  virtual ~Callable() = default;

  // `inputs` point to one tensor for each input of the signature, in its order, already checked against it.
  // Returns one tensor for each output that the callable was made for. Throws as CallLimits::Check does when the limits
  // are reached, if it heeds them; UnsupportedError for outputs on a GPU if the model runs on none.
  virtual std::vector<Tensor> Run(const Tensor* const* inputs, const RunTerms& terms) const = 0;
  std::vector<Tensor> Run(const Tensor* const* inputs) const { return Run(inputs, RunTerms()); }

  // Whether a run returns when its limits are reached, instead of when it is over.
  virtual bool HeedsLimits(const Tensor* const* inputs, const RunTerms& terms) const {
    static_cast<void>(inputs);
    static_cast<void>(terms);
    return false;
  }

  // Has what runs these inputs be as fast from now on as it will ever be. Before others call it.
  virtual void Warm(const Tensor* const* inputs) const { Run(inputs); }

  // How many rows a run of `rows` is best padded to, at most `most`: those that an engine takes, where none takes
  // `rows`. `inputs` have the shapes of the rows.
  virtual std::int64_t RowsToRun(const Tensor* const* inputs, std::int64_t rows, std::int64_t most) const {
    static_cast<void>(inputs);
    static_cast<void>(most);
    return rows;
  }

  // Zeros, in host memory that inputs are best read from, or on the GPU that the model runs on. Not for strings. Throws
  // UnsupportedError if it runs on none.
  virtual Tensor MakeInput(DType dtype, const Shape& shape, bool on_gpu) const = 0;

  // `inputs` as for Run; one of `outputs` for each output. To be used as long as the callable lives, and destroyed at
  // any time. Throws UnsupportedError for outputs on a GPU that the model does not run on.
  virtual std::unique_ptr<Binding> Bind(std::vector<Tensor> inputs, std::vector<BoundOutput> outputs) const = 0;
};

// What a loaded model does so that the first request is as fast as any.
struct WarmUp {
  // A call that runs engines: shapes by the name of the input.
  struct Call {
    std::string signature;
    NamedShapes shapes;
  };
  std::vector<Call> calls;     // for each profile of the engines, where calls leave the model as it was
  bool engines_alone = false;  // others are not to be called: LoadedModel::WarmEngines
};

// A SavedModel in a session. Thread-safe.
class LoadedModel {
 public:
  virtual ~LoadedModel() = default;

  virtual const ModelInfo& info() const = 0;
  virtual const std::string& manifest() const = 0;
  virtual const std::vector<SignatureSpec>& signatures() const = 0;

  virtual std::vector<EngineStats> engine_stats() const = 0;

  // Whether a call may wait for another, or for what never comes.
  virtual bool may_block() const { return false; }

  // Has the calls under way end with an error, as far as TensorFlow can; later ones fail.
  virtual void CancelCalls() {}

  // Loading and warming are over: what they counted is forgotten, and what they left in memory is noted.
  virtual void EndLoading() = 0;

  virtual ModelMemory memory() const = 0;

  virtual const WarmUp& warm_up() const = 0;

  // Runs the engines by themselves, on zeros: nothing else of the model runs. Leaves out those that read values of
  // their inputs. Before others call it.
  virtual void WarmEngines() {}

  // `outputs` are indices into the signature's outputs.
  virtual std::unique_ptr<Callable> MakeCallable(const SignatureSpec& signature,
                                                 const std::vector<std::size_t>& outputs) = 0;
};

// A model whose engines are being built. What EngineBuilder says, with inputs as Callable takes them.
class ModelBuilder {
 public:
  virtual ~ModelBuilder() = default;

  virtual const GpuReport& gpu() const = 0;
  virtual const std::string& tensorrt_version() const = 0;
  virtual std::vector<std::string> engines() const = 0;
  virtual bool needs_calibration() const = 0;
  virtual const std::vector<SignatureSpec>& signatures() const = 0;
  virtual void Collect(const SignatureSpec& signature, const std::vector<Tensor>& inputs, ShapeRole role) = 0;
  virtual void Calibrate(const SignatureSpec& signature, const std::vector<Tensor>& inputs) = 0;
  virtual std::vector<std::pair<std::string, std::string>> PlanKeys() const = 0;
  virtual void UsePlans(const std::string& engine, const std::string& file) = 0;
  virtual std::vector<BuiltEngine> Build(const EngineBuilder::Progress& progress) = 0;
  virtual std::vector<std::pair<std::string, std::string>> calibration_tables() const = 0;
  virtual std::string timing_cache() const = 0;
  virtual void Save(const std::string& directory) const = 0;
};

class TfTrt;

// What libtftrt_runtime.so offers to libtftrt.so: everything that needs TensorFlow.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::unique_ptr<LoadedModel> Load(const std::string& path, const ModelOptions& options,
                                            const ResolvedRuntimeOptions& runtime) = 0;
  virtual std::unique_ptr<ModelBuilder> OpenBuilder(const std::string& path, const BuilderOptions& options,
                                                    const ResolvedRuntimeOptions& runtime) = 0;
  virtual SavedModelInfo Inspect(const std::string& path, const std::vector<std::string>& tags) = 0;

  // What libtftrt_tensorrt.so offers to libtftrt_runtime.so; null if it was not opened, because of `problem`. Before
  // models are loaded.
  virtual void SetTfTrt(TfTrt* tf_trt, const std::string& problem) = 0;

  // CopyTensor's, of tensors that fit.
  virtual void Copy(const Tensor& from, Tensor& to) = 0;

  // Number of the GPU that `pointer` lies on; -1 if on none.
  virtual int GpuOf(const void* pointer) = 0;

  // Has what is queued in CUDA's default stream from now on come after what is in `stream`.
  virtual void OrderDefaultStreamAfter(void* stream, int gpu) = 0;
};

}  // namespace tftrt

#endif  // TFTRT_API_BACKEND_H_
