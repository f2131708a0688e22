#include "c_api/options.h"

#include <chrono>

#include "c_api/arguments.h"
#include "c_api/cancellation.h"
#include "c_api/versioned_struct.h"

namespace tftrt::c_api {
namespace {

// A hundred years: later deadlines do not fit into the clock's numbers, and are none.
constexpr std::int64_t kForever = std::int64_t{100} * 365 * 24 * 3600 * 1000000;

// What C calls the defaults is taken from the C++ structs, and never destroyed.
const tftrt_model_options& ModelDefaults() {
  static const tftrt_model_options& defaults = *[] {
    static const ModelOptions& from = *new ModelOptions;
    static const std::vector<const char*>& tags = *new std::vector<const char*>{from.tags.front().c_str()};
    auto* options = new tftrt_model_options{};
    options->struct_size = sizeof *options;
    options->signature = from.signature.c_str();
    options->tags = tags.data();
    options->num_tags = tags.size();
    options->device = from.device.c_str();
    options->executor = from.executor.c_str();
    options->intra_op_threads = from.intra_op_threads;
    options->inter_op_threads = from.inter_op_threads;
    options->on_miss = from.on_miss.c_str();
    options->on_mismatch = from.on_mismatch.c_str();
    options->instances = from.instances;
    options->max_batch = from.max_batch;
    options->max_wait_us = from.max_wait_us;
    options->max_queued_batches = from.max_queued_batches;
    options->max_queued_calls = from.max_queued_calls;
    options->cuda_graphs = from.cuda_graphs.c_str();
    options->warm_engines = from.warm_engines ? 1 : 0;
    options->warmup = from.warmup;
    return options;
  }();
  return defaults;
}

tftrt_runtime_options RuntimeDefaults() {
  tftrt_runtime_options options = {};
  options.struct_size = sizeof options;
  options.gpu_memory_growth = options.log_level = -1;
  options.gpu_memory_limit_mb = -1;
  options.intra_op_threads = options.inter_op_threads = -1;
  return options;
}

tftrt_call_options CallDefaults() {
  tftrt_call_options options = {};
  options.struct_size = sizeof options;
  options.timeout_us = -1;
  return options;
}

tftrt_bind_options BindDefaults() {
  tftrt_bind_options options = {};
  options.struct_size = sizeof options;
  return options;
}

void Set(std::string& field, const char* text) {
  if (text != nullptr) field = text;
}

template <typename T>
void Set(std::optional<T>& field, T value) {
  if (value != -1) field = value;
}

void Set(std::optional<std::string>& field, const char* text) {
  if (text != nullptr) field = text;
}

bool Flag(const char* name, std::int32_t value) {
  if (value == 0 || value == 1) return value == 1;
  throw InvalidArgumentError(std::string(name) + " is " + std::to_string(value) + "; expected 0 or 1");
}

}  // namespace

ModelOptions ModelOptionsFrom(const tftrt_model_options* given) {
  const tftrt_model_options read = ReadStruct(given, "tftrt_model_options", ModelDefaults());
  ModelOptions options;
  Set(options.signature, read.signature);
  if (read.tags != nullptr || read.num_tags != 0) options.tags = Texts(read.tags, read.num_tags, "tags");
  Set(options.device, read.device);
  Set(options.executor, read.executor);
  options.intra_op_threads = read.intra_op_threads;
  options.inter_op_threads = read.inter_op_threads;
  Set(options.on_miss, read.on_miss);
  Set(options.on_mismatch, read.on_mismatch);
  options.instances = read.instances;
  options.max_batch = read.max_batch;
  options.max_wait_us = read.max_wait_us;
  options.max_queued_batches = read.max_queued_batches;
  options.max_queued_calls = read.max_queued_calls;
  Set(options.cuda_graphs, read.cuda_graphs);
  options.warm_engines = Flag("warm_engines", read.warm_engines);
  options.warmup = read.warmup;
  options.op_libraries = Texts(read.op_libraries, read.num_op_libraries, "op_libraries");
  return options;
}

RuntimeOptions RuntimeOptionsFrom(const tftrt_runtime_options* given) {
  const tftrt_runtime_options read = ReadStruct(given, "tftrt_runtime_options", RuntimeDefaults());
  RuntimeOptions options;
  if (read.gpu_memory_growth != -1) options.gpu_memory_growth = Flag("gpu_memory_growth", read.gpu_memory_growth);
  Set(options.gpu_memory_limit_mb, read.gpu_memory_limit_mb);
  Set(options.log_level, read.log_level);
  Set(options.intra_op_threads, read.intra_op_threads);
  Set(options.inter_op_threads, read.inter_op_threads);
  Set(options.tensorflow_dir, read.tensorflow_dir);
  Set(options.tensorrt_dir, read.tensorrt_dir);
  return options;
}

CallOptions CallOptionsFrom(const tftrt_call_options* given) {
  const auto now = std::chrono::steady_clock::now();
  const tftrt_call_options read = ReadStruct(given, "tftrt_call_options", CallDefaults());
  if (read.timeout_us < -1) {
    throw InvalidArgumentError("timeout_us is " + std::to_string(read.timeout_us) +
                               "; expected 0 or more, or -1 for no limit");
  }
  CallOptions options;
  options.outputs = Texts(read.outputs, read.num_outputs, "outputs");
  options.on_gpu = Texts(read.on_gpu, read.num_on_gpu, "on_gpu");
  if (read.timeout_us != -1 && read.timeout_us < kForever) {
    options.deadline = now + std::chrono::microseconds(read.timeout_us);
  }
  if (read.cancellation != nullptr) options.cancellation = read.cancellation->cancellation;
  return options;
}

BindOptions BindOptionsFrom(const tftrt_bind_options* given) {
  const tftrt_bind_options read = ReadStruct(given, "tftrt_bind_options", BindDefaults());
  return {Texts(read.outputs, read.num_outputs, "outputs"), Texts(read.on_gpu, read.num_on_gpu, "on_gpu"),
          TensorsFrom(read.into, read.num_into, "into")};
}

}  // namespace tftrt::c_api

using namespace tftrt::c_api;

void tftrt_model_options_init(tftrt_model_options* options, size_t struct_size) {
  InitStruct(options, struct_size, ModelDefaults());
}

void tftrt_runtime_options_init(tftrt_runtime_options* options, size_t struct_size) {
  InitStruct(options, struct_size, RuntimeDefaults());
}

void tftrt_call_options_init(tftrt_call_options* options, size_t struct_size) {
  InitStruct(options, struct_size, CallDefaults());
}

void tftrt_bind_options_init(tftrt_bind_options* options, size_t struct_size) {
  InitStruct(options, struct_size, BindDefaults());
}
