#ifndef TFTRT_OPTIONS_H_
#define TFTRT_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tftrt {

// How one model is loaded and run.
struct ModelOptions {
  // Which signature Model::Run calls. Others of the same model: Model::WithSignature.
  std::string signature = "serving_default";

  // Tag set of the graph inside the SavedModel.
  std::vector<std::string> tags = {"serve"};

  // "auto": the GPU if TensorFlow finds one, else the CPU; "cpu"; or "gpu:N".
  std::string device = "auto";

  // "single" runs ops one after another in the caller's thread, with the least overhead; "parallel" is
  // TensorFlow's default, which runs independent ops on several threads. "auto" chooses from the graph; the choice
  // and its reason are in Model::info().
  std::string executor = "auto";

  // Threads of this model's own pools; 0 shares the process's pools (RuntimeOptions).
  int intra_op_threads = 0;  // inside one op
  int inter_op_threads = 0;  // between ops; unused by the "single" executor

  // What happens where a request's shapes have no engine. "native": TensorFlow's own ops run, with one warning on
  // stderr (none if log_level is set to 2 or 3). "error": InvalidArgumentError, naming the shapes and the profiles.
  // "build": an engine is built inside the request, which takes minutes, where TF-TRT does that: for any shape in
  // implicit-batch mode, up to the model's maximum_cached_engines; for the first shape in explicit-batch mode. No
  // choice ever discards an engine. On a GPU without TensorRT, "error" is an IncompatibleError at once; on a CPU
  // engines play no part, whatever this says.
  std::string on_miss = "native";

  // What happens if the model's engines were made for another GPU or TensorRT, or their files were changed. "error":
  // IncompatibleError, which says what differs and how to build again. "native": TensorFlow's own ops run. "rebuild":
  // engines are built in memory before Load returns, for the shapes in the manifest; the model's files stay as they
  // are. What another tool than tftrt built says nothing about where it can run, and is loaded as it is.
  std::string on_mismatch = "error";

  // How many requests may run at the same time on the GPU. Each has an execution context for each profile, a
  // workspace and a stream of its own; they share the weights. UnsupportedError for more than one if an engine has
  // profiles and was not built by tftrt, which has to tell TensorRT that they are shared. Only for signatures that are
  // one engine and nothing else; the rest runs one after another.
  int instances = 1;

  // Items that calls made at the same time are run together up to, 0 for never. Inputs are concatenated along the first
  // dimension, and each call gets its rows of the outputs, as if it had run alone. Every input and output must have a
  // first dimension that is not fixed. A call is answered from a shared run only after three such runs, of rows that
  // all differ, gave each row the results that it has alone. Signatures with effects or random numbers never share.
  // Where no engine takes a batch, copies of its last row fill it up. As many batches run at once as there are
  // instances; calls wait for their turn in order. Bound calls and inputs on a GPU run alone.
  int max_batch = 0;

  // Microseconds that a batch that is not full waits for further calls. 0: it runs as soon as it can, so that batches
  // form of what is called while others run. More makes batches larger, and every call later.
  std::int64_t max_wait_us = 0;

  // Batches that may wait; calls beyond them are turned away with ResourceExhaustedError.
  int max_queued_batches = 64;

  // Calls of Model::RunAsync that may wait; those beyond are turned away with ResourceExhaustedError.
  int max_queued_calls = 1024;

  // Whether runs of an engine are captured as CUDA graphs, which launches them at once instead of kernel by kernel.
  // "auto": when inputs have the same shapes as the last ones, where TensorRT allows. "on": always, and
  // UnsupportedError where it does not. "off": never.
  std::string cuda_graphs = "auto";

  // Whether Load runs every engine once for each profile (with zeros, on the shapes it was built for), so that the
  // first request is as fast as any. Load calls the signatures for that. Where a call would change state or fails on
  // zeros, it runs the engines alone.
  bool warm_engines = true;

  // Calls made with made-up input before Load returns, which change state as calls do. Unknown dimensions become 1.
  int warmup = 0;

  // Shared libraries with custom ops, loaded first.
  std::vector<std::string> op_libraries;
};

// What TensorFlow keeps for the whole process and takes from whoever comes first. Unset fields keep the default.
struct RuntimeOptions {
  // Take GPU memory as needed (default true) instead of nearly all of it at once.
  std::optional<bool> gpu_memory_growth;

  // Most GPU memory that TensorFlow takes on each GPU, in MiB (default: no limit).
  std::optional<std::int64_t> gpu_memory_limit_mb;

  // Least severity that TensorFlow logs to stderr: 0 info, 1 warning, 2 error, 3 fatal only. Default: the
  // environment's TFTRT_LOG_LEVEL, else TF_CPP_MIN_LOG_LEVEL, else 3; every error is thrown as well.
  std::optional<int> log_level;

  // Threads of the pools that models share by default (default: one for each core).
  std::optional<int> intra_op_threads;
  std::optional<int> inter_op_threads;

  // Folder of libtensorflow_cc.so.2, and of TensorRT's libnvinfer.so.8. Default: the environment's
  // TFTRT_TENSORFLOW_DIR and TFTRT_TENSORRT_DIR, else found by tftrt.
  std::optional<std::string> tensorflow_dir;
  std::optional<std::string> tensorrt_dir;
};

}  // namespace tftrt

#endif  // TFTRT_OPTIONS_H_
