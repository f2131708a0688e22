#ifndef TFTRT_C_API_H_
#define TFTRT_C_API_H_

/* The C API of tftrt: C11, also C++17; needs no other header of tftrt's than the two below. docs/c.md is its guide.
 *
 * Errors. A function that can fail returns a tftrt_status*: NULL if it succeeded, else an error, which the caller frees
 * with tftrt_status_free. No C++ exception leaves a function. A null pointer where an object is needed is an error, not
 * a crash. If a function fails, pointers that it was to return are NULL, their counts 0, and its output structs are as
 * they were.
 *
 * Ownership. What a function returns through a handle** is the caller's, to be freed with the type's ..._free, which
 * accepts NULL. Handles keep what they need: a runner or a call under way keeps its model loaded, and a tensor keeps
 * its memory, in whatever order handles are freed. Pointers in output structs (names, dims, ...) are the handle's that
 * was asked, and are valid until it is freed, unless said otherwise. What is given to a function is copied where it is
 * needed later, save the memory of tensors.
 *
 * Threads. All functions may be called from any thread. One handle may be used by several threads at once, except that
 * a runner is for one thread at a time, the elements of a tensor are not to be written while others use them, and no
 * handle may be used while or after it is freed.
 *
 * Structs that begin with struct_size are versioned: later versions of tftrt append fields. The caller sets
 * struct_size to sizeof its struct (option structs: with ..._init, which also fills in the defaults), and the library
 * reads and writes no further. If the caller's struct is larger than the library's, fields that the library does not
 * know must be zero in option structs, which else are refused, and are set to zero in output structs. Structs without
 * struct_size never change.
 *
 * Text is UTF-8 and ends with a NUL. A dimension is a number of elements; -1 in a specification: any number. */

#include <stddef.h>
#include <stdint.h>

#include "tftrt/export.h"
#include "tftrt/version.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library, "0.1.0"; of the header: TFTRT_VERSION. */
TFTRT_EXPORT const char* tftrt_version(void);

/* ---- Errors ---------------------------------------------------------------------------------------------------- */

/* What kind of error a status is. */
typedef int32_t tftrt_code;
enum {
  TFTRT_OK = 0,
  TFTRT_INVALID_ARGUMENT = 1,   /* an argument is wrong: a name, dtype, shape, option, or a null pointer */
  TFTRT_MODEL_ERROR = 2,        /* a model does not exist, cannot be read, or does not match its manifest */
  TFTRT_INCOMPATIBLE = 3,       /* another TensorFlow, no TensorRT, engines for another GPU, a forked process */
  TFTRT_UNSUPPORTED = 4,        /* the request is valid, but tftrt or TensorFlow cannot do it */
  TFTRT_RESOURCE_EXHAUSTED = 5, /* no room: too much waits, or too little address space; try again later */
  TFTRT_DEADLINE_EXCEEDED = 6,  /* the call was not over in time */
  TFTRT_CANCELLED = 7,          /* the call was cancelled */
  TFTRT_INTERNAL = 8,           /* TensorFlow or tftrt failed in a way that the caller did not cause */
  TFTRT_OUT_OF_MEMORY = 9       /* no memory for tftrt's own objects */
};

/* An error. NULL stands for success everywhere. */
typedef struct tftrt_status tftrt_status;

TFTRT_EXPORT tftrt_code tftrt_status_code(const tftrt_status* status);

/* What was expected, what was found and what to do; "" for NULL. Valid until the status is freed. */
TFTRT_EXPORT const char* tftrt_status_message(const tftrt_status* status);

TFTRT_EXPORT void tftrt_status_free(tftrt_status* status);

/* "INVALID_ARGUMENT"; NULL for a number that is no code. Valid for ever. */
TFTRT_EXPORT const char* tftrt_code_name(tftrt_code code);

/* ---- Tensors --------------------------------------------------------------------------------------------------- */

/* Element types. float16 and bfloat16 are 16-bit patterns, bool is one byte, 0 or 1, complex numbers are two floats. */
typedef int32_t tftrt_dtype;
enum {
  TFTRT_FLOAT16 = 0,
  TFTRT_BFLOAT16 = 1,
  TFTRT_FLOAT32 = 2,
  TFTRT_FLOAT64 = 3,
  TFTRT_INT8 = 4,
  TFTRT_INT16 = 5,
  TFTRT_INT32 = 6,
  TFTRT_INT64 = 7,
  TFTRT_UINT8 = 8,
  TFTRT_UINT16 = 9,
  TFTRT_UINT32 = 10,
  TFTRT_UINT64 = 11,
  TFTRT_BOOL = 12,
  TFTRT_COMPLEX64 = 13,
  TFTRT_COMPLEX128 = 14,
  TFTRT_STRING = 15
};

/* "float32", as numpy and TensorFlow call it; NULL for a number that is no dtype. Valid for ever. */
TFTRT_EXPORT const char* tftrt_dtype_name(tftrt_dtype dtype);

/* Bytes of one element; 0 for TFTRT_STRING and for a number that is no dtype. */
TFTRT_EXPORT size_t tftrt_dtype_size(tftrt_dtype dtype);

/* Host memory that TensorFlow reads without a copy begins at a multiple of this many bytes. */
#define TFTRT_ALIGNMENT 64

/* The most dimensions that a tensor has, which is TensorFlow's limit. */
#define TFTRT_MAX_RANK 254

/* A dense, row-major array in host memory or on a GPU. Several handles may share its memory. */
typedef struct tftrt_tensor tftrt_tensor;

/* Where a tensor's elements are. */
typedef struct tftrt_tensor_view {
  size_t struct_size;
  tftrt_dtype dtype;
  int32_t gpu;         /* number of the GPU that the elements are on; -1: they are in host memory */
  const int64_t* dims; /* rank of them */
  size_t rank;
  int64_t num_elements;
  void* data;       /* first element, an address on the GPU if it is there; NULL for strings or without elements */
  size_t num_bytes; /* of all elements; 0 for strings */
} tftrt_tensor_view;

/* Called once when memory that was lent is needed no longer, on whatever thread that happens. May call tftrt's
 * functions; must not throw. */
typedef void (*tftrt_deleter)(void* context);

/* Elements of undefined value at an aligned address; strings are empty. */
TFTRT_EXPORT tftrt_status* tftrt_tensor_new(tftrt_dtype dtype, const int64_t* dims, size_t rank, tftrt_tensor** tensor);

/* A copy of the elements at `data`, at any address. num_bytes is their size, and has to agree with dtype and dims, here
 * and below. Not for strings. */
TFTRT_EXPORT tftrt_status* tftrt_tensor_copy(const void* data, size_t num_bytes, tftrt_dtype dtype, const int64_t* dims,
                                             size_t rank, tftrt_tensor** tensor);

/* The caller's memory, without a copy. It must stay until `deleter` (may be NULL) is called with `context`, which is
 * when no handle, runner or call needs it any more; with no deleter, longer than all of those. If the function fails,
 * the deleter is not called. Data that does not begin at a multiple of TFTRT_ALIGNMENT costs a copy at every call that
 * it is an input of. Not for strings. */
TFTRT_EXPORT tftrt_status* tftrt_tensor_borrow(void* data, size_t num_bytes, tftrt_dtype dtype, const int64_t* dims,
                                               size_t rank, tftrt_deleter deleter, void* context,
                                               tftrt_tensor** tensor);

/* The same of memory on the GPU with this number, as CUDA counts them. */
TFTRT_EXPORT tftrt_status* tftrt_tensor_borrow_gpu(void* data, size_t num_bytes, tftrt_dtype dtype, const int64_t* dims,
                                                   size_t rank, int32_t gpu, tftrt_deleter deleter, void* context,
                                                   tftrt_tensor** tensor);

/* The same of memory on whatever GPU CUDA says. What is queued in that GPU's default stream from now on comes after
 * what is in `cuda_stream` (a cudaStream_t), which may be NULL. */
TFTRT_EXPORT tftrt_status* tftrt_tensor_borrow_cuda(void* data, size_t num_bytes, tftrt_dtype dtype,
                                                    const int64_t* dims, size_t rank, void* cuda_stream,
                                                    tftrt_deleter deleter, void* context, tftrt_tensor** tensor);

/* A copy of `count` strings, row-major. lengths has the bytes of each, which may contain NULs; if it is NULL, each ends
 * at its NUL. A string of length 0 may be NULL. */
TFTRT_EXPORT tftrt_status* tftrt_tensor_strings(const char* const* values, const size_t* lengths, size_t count,
                                                const int64_t* dims, size_t rank, tftrt_tensor** tensor);

/* Another handle of the same memory. */
TFTRT_EXPORT tftrt_status* tftrt_tensor_share(const tftrt_tensor* tensor, tftrt_tensor** handle);

TFTRT_EXPORT tftrt_status* tftrt_tensor_get_view(const tftrt_tensor* tensor, tftrt_tensor_view* view);

/* One element of a string tensor, and its length in bytes. It ends with a NUL that is not counted. Valid until the
 * element is set or the last handle of the memory is freed. */
TFTRT_EXPORT tftrt_status* tftrt_tensor_get_string(const tftrt_tensor* tensor, size_t index, const char** data,
                                                   size_t* length);

/* Copies a string into an element of a string tensor: of an input of a runner, say. */
TFTRT_EXPORT tftrt_status* tftrt_tensor_set_string(tftrt_tensor* tensor, size_t index, const char* data, size_t length);

/* Copies the elements of `from` to the memory of `to`, between host and GPUs as they lie, after what was queued in
 * CUDA's default stream, and waits for it. Both have the same dtype, other than string, and the same shape. */
TFTRT_EXPORT tftrt_status* tftrt_tensor_copy_to(const tftrt_tensor* from, tftrt_tensor* to);

TFTRT_EXPORT void tftrt_tensor_free(tftrt_tensor* tensor);

typedef struct tftrt_named_tensor {
  const char* name;
  const tftrt_tensor* tensor;
} tftrt_named_tensor;

typedef struct tftrt_shape {
  const int64_t* dims;
  size_t rank;
} tftrt_shape;

typedef struct tftrt_named_shape {
  const char* name;
  tftrt_shape shape;
} tftrt_named_shape;

/* One input or output of a signature. */
typedef struct tftrt_tensor_spec {
  size_t struct_size;
  const char* name;
  const int64_t* dims; /* -1 for a dimension that is not fixed */
  int32_t rank;        /* -1: any number of dimensions */
  tftrt_dtype dtype;
  int64_t has_default; /* of an input: 1 if calls may leave it out, because the model has a value for it; else 0 */
} tftrt_tensor_spec;

/* ---- The process ----------------------------------------------------------------------------------------------- */

/* What TensorFlow keeps for the whole process. -1 and NULL: not set, which keeps the default. See options.h. */
typedef struct tftrt_runtime_options {
  size_t struct_size;
  int32_t gpu_memory_growth;   /* 1: take GPU memory as needed (default); 0: nearly all of it at once */
  int32_t log_level;           /* least severity that TensorFlow logs: 0 info to 3 fatal */
  int64_t gpu_memory_limit_mb; /* most GPU memory that TensorFlow takes on each GPU, in MiB */
  int32_t intra_op_threads;    /* threads of the pools that models share */
  int32_t inter_op_threads;
  const char* tensorflow_dir; /* folder of libtensorflow_cc.so.2 */
  const char* tensorrt_dir;   /* folder of libnvinfer.so.8 */
} tftrt_runtime_options;

/* Fills in "not set". Does nothing if options is NULL or struct_size, its sizeof, too small to be one. */
TFTRT_EXPORT void tftrt_runtime_options_init(tftrt_runtime_options* options, size_t struct_size);

/* Call it before the first model is loaded; again, as long as all agree. INVALID_ARGUMENT, naming both values, if a
 * field is set that already has another value. */
TFTRT_EXPORT tftrt_status* tftrt_configure(const tftrt_runtime_options* options);

/* Waits until no model of the process has a call in a thread of its own, asynchronous or given up. For the end of a
 * program whose memory such calls use. Returns at once in a thread of a model's. */
TFTRT_EXPORT tftrt_status* tftrt_wait_for_queued_calls(void);

/* What the machine has of what a model may need; a snapshot. */
typedef struct tftrt_environment tftrt_environment;

typedef struct tftrt_environment_info {
  size_t struct_size;
  size_t num_libraries;
  size_t num_gpus;
} tftrt_environment_info;

typedef struct tftrt_library_info {
  size_t struct_size;
  const char* part;    /* "tensorflow", "tensorrt" or "cuda" */
  const char* name;    /* "libnvinfer.so.8" */
  const char* path;    /* "" if not found */
  const char* version; /* "8.6.1"; "" if unknown */
  const char* detail;  /* why it was not found or cannot be used; "" if all is well */
  int64_t found;       /* 1: it can be opened; else 0 */
} tftrt_library_info;

/* Looks for TensorFlow, TensorRT, CUDA and GPUs, without opening TensorFlow. */
TFTRT_EXPORT tftrt_status* tftrt_inspect_environment(tftrt_environment** environment);
TFTRT_EXPORT tftrt_status* tftrt_environment_get_info(const tftrt_environment* environment,
                                                      tftrt_environment_info* info);
TFTRT_EXPORT tftrt_status* tftrt_environment_get_library(const tftrt_environment* environment, size_t index,
                                                         tftrt_library_info* info);
/* "NVIDIA H100 80GB HBM3 (compute capability 9.0)" */
TFTRT_EXPORT tftrt_status* tftrt_environment_get_gpu(const tftrt_environment* environment, size_t index,
                                                     const char** description);
TFTRT_EXPORT void tftrt_environment_free(tftrt_environment* environment);

/* ---- SavedModels that are not loaded --------------------------------------------------------------------------- */

/* What a SavedModel holds; never changes. */
typedef struct tftrt_saved_model tftrt_saved_model;

typedef struct tftrt_saved_model_info {
  size_t struct_size;
  const char* const* tags; /* of the graph that the rest describes */
  size_t num_tags;
  size_t num_tag_sets;
  size_t num_signatures;
  size_t num_ops;       /* different types of ops */
  const char* manifest; /* JSON text of assets.extra/tftrt.json; "" for a model that tftrt did not convert */
} tftrt_saved_model_info;

typedef struct tftrt_signature_info {
  size_t struct_size;
  const char* name;
  size_t num_inputs;
  size_t num_outputs;
  const char* unsupported; /* why tftrt cannot call it; "" if it can */
  size_t num_unavailable;  /* outputs that no call can return: sparse ones, say; not among num_outputs */
} tftrt_signature_info;

/* Reads the SavedModel in folder `path` without running anything of it, the graph with these tags. tags NULL:
 * {"serve"}. */
TFTRT_EXPORT tftrt_status* tftrt_inspect_saved_model(const char* path, const char* const* tags, size_t num_tags,
                                                     tftrt_saved_model** saved_model);
TFTRT_EXPORT tftrt_status* tftrt_saved_model_get_info(const tftrt_saved_model* saved_model,
                                                      tftrt_saved_model_info* info);
TFTRT_EXPORT tftrt_status* tftrt_saved_model_get_tag_set(const tftrt_saved_model* saved_model, size_t index,
                                                         const char* const** tags, size_t* num_tags);
/* Signatures by index; their inputs and outputs are sorted by name. */
TFTRT_EXPORT tftrt_status* tftrt_saved_model_get_signature(const tftrt_saved_model* saved_model, size_t index,
                                                           tftrt_signature_info* info);
TFTRT_EXPORT tftrt_status* tftrt_saved_model_get_input(const tftrt_saved_model* saved_model, size_t signature,
                                                       size_t index, tftrt_tensor_spec* spec);
TFTRT_EXPORT tftrt_status* tftrt_saved_model_get_output(const tftrt_saved_model* saved_model, size_t signature,
                                                        size_t index, tftrt_tensor_spec* spec);
/* The name of an output that no call can return, and the reason. */
TFTRT_EXPORT tftrt_status* tftrt_saved_model_get_unavailable(const tftrt_saved_model* saved_model, size_t signature,
                                                             size_t index, const char** name, const char** reason);
/* How many ops of a type the graph and its functions have. */
TFTRT_EXPORT tftrt_status* tftrt_saved_model_get_op(const tftrt_saved_model* saved_model, size_t index,
                                                    const char** type, int64_t* count);
TFTRT_EXPORT void tftrt_saved_model_free(tftrt_saved_model* saved_model);

/* ---- Models ---------------------------------------------------------------------------------------------------- */

/* How one model is loaded and run; options.h says what each field does. NULL: the default. */
typedef struct tftrt_model_options {
  size_t struct_size;
  const char* signature;   /* "serving_default" */
  const char* const* tags; /* num_tags of them; {"serve"} */
  size_t num_tags;
  const char* device;       /* "auto", "cpu" or "gpu:N" */
  const char* executor;     /* "auto", "single" or "parallel" */
  int32_t intra_op_threads; /* 0: the process's pools */
  int32_t inter_op_threads;
  const char* on_miss;             /* "native", "error" or "build" */
  const char* on_mismatch;         /* "error", "native" or "rebuild" */
  int32_t instances;               /* 1; requests that may run at the same time on the GPU */
  int32_t max_batch;               /* 0: calls are not batched */
  int64_t max_wait_us;             /* 0; microseconds that a batch which is not full waits */
  int32_t max_queued_batches;      /* 64 */
  int32_t max_queued_calls;        /* 1024 */
  const char* cuda_graphs;         /* "auto", "on" or "off" */
  int32_t warm_engines;            /* 1: run every engine once while loading; 0: do not */
  int32_t warmup;                  /* 0; calls with made-up input while loading, which change state */
  const char* const* op_libraries; /* num_op_libraries shared libraries with custom ops */
  size_t num_op_libraries;
} tftrt_model_options;

/* Fills in the defaults, whose texts are valid for ever. Does nothing if options is NULL or struct_size, its sizeof,
 * too small to be one. */
TFTRT_EXPORT void tftrt_model_options_init(tftrt_model_options* options, size_t struct_size);

/* A loaded SavedModel, seen through one of its signatures. */
typedef struct tftrt_model tftrt_model;

/* What loading decided and how long it took. */
typedef struct tftrt_model_info {
  size_t struct_size;
  const char* path;
  const char* const* tags;
  size_t num_tags;
  const char* const* signatures; /* of the model */
  size_t num_signatures;
  const char* signature; /* that this handle calls */
  size_t num_inputs;     /* of that signature */
  size_t num_outputs;
  const char* device;             /* "cpu" or "gpu:N" */
  const char* executor;           /* "single" or "parallel" */
  const char* executor_reason;    /* why, for executor "auto" */
  const char* tensorrt_problem;   /* why TensorRT cannot be used although the model is on a GPU; "" if it can */
  const char* engine_problem;     /* why all engines run natively although the model is on a GPU; "" if they do not */
  int32_t engines;                /* TRTEngineOp nodes in the graph */
  int32_t engines_ready;          /* of them, have an engine of TensorRT's to run */
  int64_t instances;              /* requests that can run at once on engines without TensorFlow's session */
  const char* const* load_phases; /* what loading did, in order: "verify", "read", ... */
  const double* load_seconds;     /* how long each took */
  size_t num_load_phases;
  const char* manifest; /* JSON text of assets.extra/tftrt.json; "" for a model that tftrt did not convert */
} tftrt_model_info;

/* Loads the SavedModel in folder `path` and makes the signature ready to call. options NULL: the defaults. A SavedModel
 * is a program: load it only from where you trust. */
TFTRT_EXPORT tftrt_status* tftrt_model_load(const char* path, const tftrt_model_options* options, tftrt_model** model);

/* The same loaded model through another of its signatures. */
TFTRT_EXPORT tftrt_status* tftrt_model_with_signature(const tftrt_model* model, const char* signature,
                                                      tftrt_model** other);

TFTRT_EXPORT tftrt_status* tftrt_model_get_info(const tftrt_model* model, tftrt_model_info* info);

/* Of the handle's signature; sorted by name. */
TFTRT_EXPORT tftrt_status* tftrt_model_get_input(const tftrt_model* model, size_t index, tftrt_tensor_spec* spec);
TFTRT_EXPORT tftrt_status* tftrt_model_get_output(const tftrt_model* model, size_t index, tftrt_tensor_spec* spec);

/* Waits for the calls under way, then frees the session; any later call through any handle of the model fails. */
TFTRT_EXPORT tftrt_status* tftrt_model_close(tftrt_model* model);
/* *closed becomes 1 or 0. */
TFTRT_EXPORT tftrt_status* tftrt_model_is_closed(const tftrt_model* model, int32_t* closed);

/* The last of a model's handles, runners and calls frees its session. */
TFTRT_EXPORT void tftrt_model_free(tftrt_model* model);

/* ---- Calls ----------------------------------------------------------------------------------------------------- */

/* Gives up the calls that it was given to. */
typedef struct tftrt_cancellation tftrt_cancellation;

TFTRT_EXPORT tftrt_status* tftrt_cancellation_new(tftrt_cancellation** cancellation);
/* Once and for all: calls made with it later are given up at once. */
TFTRT_EXPORT tftrt_status* tftrt_cancellation_cancel(const tftrt_cancellation* cancellation);
/* It may be freed before the calls that it was given to are over. */
TFTRT_EXPORT void tftrt_cancellation_free(tftrt_cancellation* cancellation);

/* What one call shall do. */
typedef struct tftrt_call_options {
  size_t struct_size;
  const char* const* outputs; /* names of the outputs wanted, in that order; all of them if num_outputs is 0 */
  size_t num_outputs;
  const char* const* on_gpu; /* of them, those to be returned in GPU memory */
  size_t num_on_gpu;
  /* Microseconds from now until the call is given up; -1: never. A call that has not begun by then never runs. One that
   * has begun ends by itself, and what it computed is dropped; until then it may read its inputs. */
  int64_t timeout_us;
  const tftrt_cancellation* cancellation; /* gives it up likewise; may be NULL */
} tftrt_call_options;

/* All outputs, on the host, never given up. Does nothing if options is NULL or struct_size, its sizeof, too small to be
 * one. */
TFTRT_EXPORT void tftrt_call_options_init(tftrt_call_options* options, size_t struct_size);

/* Runs the signature once. `inputs` are by name, in any order, and all of them, on the host or on a GPU; their memory
 * must not be written to before the function returns. options NULL: the defaults. `outputs` is an array of num_outputs
 * pointers, exactly as many as are wanted; each becomes a new handle, in the order wanted, whose memory nothing else
 * uses. */
TFTRT_EXPORT tftrt_status* tftrt_model_run(const tftrt_model* model, const tftrt_named_tensor* inputs,
                                           size_t num_inputs, const tftrt_call_options* options, tftrt_tensor** outputs,
                                           size_t num_outputs);

/* Called once with what a call returned, in a thread of the model's. `status` and the handles in `outputs` are the
 * callee's, which frees every one of them; the array itself is not, and is valid until the callee returns. If status is
 * not NULL there are no outputs. Must not throw, nor wait for calls of the model, as
 * tftrt_model_close does. */
typedef void (*tftrt_done)(void* context, tftrt_status* status, tftrt_tensor** outputs, size_t num_outputs);

/* The same in a thread of the model's, which then calls `done` with `context`. Inputs must not be written to until
 * then. If the function fails (wrong arguments, too many calls waiting), done is not called. */
TFTRT_EXPORT tftrt_status* tftrt_model_run_async(const tftrt_model* model, const tftrt_named_tensor* inputs,
                                                 size_t num_inputs, const tftrt_call_options* options, tftrt_done done,
                                                 void* context);

/* ---- Bound calls ----------------------------------------------------------------------------------------------- */

/* A signature bound to inputs and outputs that stay where they are: fill the inputs, run, read the outputs. Nothing is
 * looked up or allocated on the way. For one thread at a time, which also keeps its hands off the inputs while it runs;
 * several runners of one model may run at once. */
typedef struct tftrt_runner tftrt_runner;

typedef struct tftrt_bind_options {
  size_t struct_size;
  const char* const* outputs; /* names of the outputs wanted, in that order; all of them if num_outputs is 0 */
  size_t num_outputs;
  const char* const* on_gpu; /* inputs and outputs that are to be in GPU memory */
  size_t num_on_gpu;
  const tftrt_named_tensor* into; /* outputs that are written to the memory of these tensors, on the host or the GPU */
  size_t num_into;
} tftrt_bind_options;

/* All outputs, on the host, in memory of the runner's. Does nothing if options is NULL or struct_size, its sizeof, too
 * small to be one. */
TFTRT_EXPORT void tftrt_bind_options_init(tftrt_bind_options* options, size_t struct_size);

/* Every run reads the memory of `inputs`, which are given as for tftrt_model_run. options NULL: the defaults. */
TFTRT_EXPORT tftrt_status* tftrt_model_bind(const tftrt_model* model, const tftrt_named_tensor* inputs,
                                            size_t num_inputs, const tftrt_bind_options* options,
                                            tftrt_runner** runner);

/* With inputs of these shapes for the caller to fill, zero at first. Those whose shape is fixed may be left out. */
TFTRT_EXPORT tftrt_status* tftrt_model_bind_shapes(const tftrt_model* model, const tftrt_named_shape* shapes,
                                                   size_t num_shapes, const tftrt_bind_options* options,
                                                   tftrt_runner** runner);

/* Zeros (strings: empty) for the input of this name, in memory that it is read from without a copy; on the model's GPU
 * if on_gpu is not 0. May outlive the model. */
TFTRT_EXPORT tftrt_status* tftrt_model_make_input(const tftrt_model* model, const char* name, const int64_t* dims,
                                                  size_t rank, int32_t on_gpu, tftrt_tensor** tensor);

typedef struct tftrt_runner_info {
  size_t struct_size;
  size_t num_inputs;
  size_t num_outputs;
} tftrt_runner_info;

TFTRT_EXPORT tftrt_status* tftrt_runner_get_info(const tftrt_runner* runner, tftrt_runner_info* info);
/* Inputs in the order of the model's, outputs in the order wanted. */
TFTRT_EXPORT tftrt_status* tftrt_runner_get_input_spec(const tftrt_runner* runner, size_t index,
                                                       tftrt_tensor_spec* spec);
TFTRT_EXPORT tftrt_status* tftrt_runner_get_output_spec(const tftrt_runner* runner, size_t index,
                                                        tftrt_tensor_spec* spec);

/* A handle of what each run reads. Its memory stays where it is. */
TFTRT_EXPORT tftrt_status* tftrt_runner_get_input(const tftrt_runner* runner, const char* name, tftrt_tensor** tensor);

/* A handle of what the last run wrote, which the next one overwrites as long as the output's shape is the same. Strings
 * are new at each run. INVALID_ARGUMENT before the first run. */
TFTRT_EXPORT tftrt_status* tftrt_runner_get_output(const tftrt_runner* runner, const char* name, tftrt_tensor** tensor);

/* The same by index, without making a handle. Pointers in the view are valid until the next run, or until the runner is
 * freed. */
TFTRT_EXPORT tftrt_status* tftrt_runner_get_output_view(const tftrt_runner* runner, size_t index,
                                                        tftrt_tensor_view* view);

/* Runs the signature once. Inputs on a GPU are read after what was queued in CUDA's default stream; all outputs are
 * there when it returns. */
TFTRT_EXPORT tftrt_status* tftrt_runner_run(tftrt_runner* runner);

/* The same in the order of a CUDA stream (a cudaStream_t) of the model's GPU. It may return before the run is over:
 * until the stream has passed it, host inputs are not to be written to nor host outputs to be read. UNSUPPORTED if the
 * model does not run on a GPU. */
TFTRT_EXPORT tftrt_status* tftrt_runner_run_on(tftrt_runner* runner, void* cuda_stream);

TFTRT_EXPORT void tftrt_runner_free(tftrt_runner* runner);

/* ---- Statistics and memory ------------------------------------------------------------------------------------- */

/* What was called and what ran it since the model was loaded: a snapshot. */
typedef struct tftrt_stats tftrt_stats;

typedef struct tftrt_stats_info {
  size_t struct_size;
  uint64_t calls;  /* that returned or failed, through every handle; those that warmed the model not counted */
  uint64_t errors; /* of them, failed */
  size_t num_engines;
} tftrt_stats_info;

/* How often an engine's node ran, and the host's seconds until the work was enqueued on the GPU. */
typedef struct tftrt_run_counts {
  uint64_t engine_runs; /* ran on an engine */
  uint64_t native_runs; /* ran as TensorFlow's own ops */
  uint64_t refused;     /* on_miss "error" */
  uint64_t builds;      /* ran on an engine that was built inside the request */
  double engine_seconds;
  double native_seconds;
  double build_seconds;
} tftrt_run_counts;

typedef struct tftrt_engine_stats {
  size_t struct_size;
  const char* name;
  int64_t inlined; /* 1: the segment is part of the graph, there is no engine, and its runs are not counted; else 0 */
  size_t num_profiles;      /* explicit batch: what the engine takes */
  size_t num_static_shapes; /* implicit batch: engines, each with its largest shapes */
  size_t num_shapes;        /* different shapes that were run */
  tftrt_run_counts counts;  /* the sums over those */
} tftrt_engine_stats;

/* Shapes that an optimization profile takes: num_inputs each of min, opt and max. */
typedef struct tftrt_profile {
  size_t struct_size;
  const tftrt_shape* min;
  const tftrt_shape* opt;
  const tftrt_shape* max;
  size_t num_inputs;
} tftrt_profile;

typedef struct tftrt_shape_stats {
  size_t struct_size;
  const tftrt_shape* shapes; /* one for each input; none for all further shapes together, after the first 256 */
  size_t num_inputs;
  tftrt_run_counts counts;
} tftrt_shape_stats;

TFTRT_EXPORT tftrt_status* tftrt_model_get_stats(const tftrt_model* model, tftrt_stats** stats);
TFTRT_EXPORT tftrt_status* tftrt_stats_get_info(const tftrt_stats* stats, tftrt_stats_info* info);
TFTRT_EXPORT tftrt_status* tftrt_stats_get_engine(const tftrt_stats* stats, size_t index, tftrt_engine_stats* engine);
TFTRT_EXPORT tftrt_status* tftrt_stats_get_profile(const tftrt_stats* stats, size_t engine, size_t index,
                                                   tftrt_profile* profile);
TFTRT_EXPORT tftrt_status* tftrt_stats_get_static_shapes(const tftrt_stats* stats, size_t engine, size_t index,
                                                         const tftrt_shape** shapes, size_t* num_inputs);
/* In order of first use. */
TFTRT_EXPORT tftrt_status* tftrt_stats_get_shape(const tftrt_stats* stats, size_t engine, size_t index,
                                                 tftrt_shape_stats* shape);
TFTRT_EXPORT void tftrt_stats_free(tftrt_stats* stats);

/* Bytes that a loaded model takes now. stats.h says which are counted and which estimated. */
typedef struct tftrt_memory {
  size_t struct_size;
  uint64_t host_model;     /* estimate */
  uint64_t host_pinned;    /* inputs and outputs in pinned memory */
  uint64_t gpu_model;      /* estimate if models are loaded at the same time */
  uint64_t gpu_workspaces; /* of execution contexts */
  uint64_t gpu_buffers;    /* inputs and outputs in GPU memory */
  uint64_t cuda_graphs;    /* their number, not bytes */
  uint64_t gpu_graphs;     /* estimate */
  uint64_t plans;          /* the serialised engines' files */
} tftrt_memory;

TFTRT_EXPORT tftrt_status* tftrt_model_get_memory(const tftrt_model* model, tftrt_memory* memory);

#ifdef __cplusplus
}
#endif

#endif /* TFTRT_C_API_H_ */
