// Bytes as a sequence of calls of the C API, with odd arguments, on a small model. Pointers are good or null, as the
// API asks for; all else is made up: sizes, ranks, dims, dtypes, indices, names, options and the order of calls.

#include <atomic>
#include <string>
#include <vector>

#include "input.h"
#include "inspection.h"

namespace {

const tftrt_model* Model() {
  static const tftrt_model* model = [] {
    tftrt_model_options options;
    tftrt_model_options_init(&options, sizeof options);
    options.device = "cpu";
    tftrt_model* loaded = nullptr;
    Expect(Succeeded(tftrt_model_load(TFTRT_TEST_MODELS_DIR "/several", &options, &loaded)));
    return loaded;
  }();
  return model;
}

constexpr const char* kNames[] = {"a", "b", "name", "n", "any", "sum", "quotient", "greet", "pass", "nothing", nullptr};

class Session {
 public:
  explicit Session(Input input) : input_(input) {
    Expect(Succeeded(tftrt_model_with_signature(Model(), "serving_default", &model_)));
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    for (tftrt_tensor* tensor : tensors_) tftrt_tensor_free(tensor);
    tftrt_runner_free(runner_);
    tftrt_model_free(model_);
    Expect(lent_ == 0);
  }

  void Step() {
    switch (input_.Byte() % 18) {
      case 0:
        return NewTensor();
      case 1:
        return BorrowTensor();
      case 2:
        return StringTensor();
      case 3:
        return LookAtTensor();
      case 4:
        return CopyTensor();
      case 5:
        return Run();
      case 6:
        return Bind();
      case 7:
        return UseRunner();
      case 8:
        return ChangeSignature();
      case 9:
        return ReadModel();
      case 10:
        return FreeTensor();
      case 11:
        return LoadWithOddOptions();
      case 12:
        return RunAsync();
      case 13:
        return MakeInput();
      case 14:
        return SetString();
      case 15:
        return ReadFigures();
      case 16:
        return BindElsewhere();
      default:
        return Configure();
    }
  }

 private:
  const char* Name() { return kNames[input_.Byte() % (sizeof kNames / sizeof *kNames)]; }
  tftrt_dtype DType() { return static_cast<std::int8_t>(input_.Byte() % 20) - 1; }
  std::size_t Index() {
    const std::uint8_t byte = input_.Byte();
    return byte == 255 ? static_cast<std::size_t>(-1) : byte % 8;
  }

  // Small, negative or enormous, few or too many.
  std::vector<std::int64_t> Dims() {
    std::vector<std::int64_t> dims(input_.Byte() % 4 == 3 ? 300 : input_.Byte() % 4);
    for (std::int64_t& dim : dims) {
      const std::uint8_t byte = input_.Byte();
      dim = byte < 250 ? byte % 5 : (INT64_MAX >> (byte - 250)) * (byte % 2 == 0 ? 1 : -1);
    }
    return dims;
  }

  const tftrt_tensor* Tensor() { return tensors_.empty() ? nullptr : tensors_[input_.Byte() % tensors_.size()]; }

  // By reference, because the call that makes `status` sets it, and may come last of the arguments.
  void Keep(tftrt_status* status, tftrt_tensor* const& tensor) {
    Expect(Succeeded(status) == (tensor != nullptr));
    if (tensor != nullptr) tensors_.push_back(tensor);
  }

  void NewTensor() {
    std::vector<std::int64_t> dims = Dims();
    const tftrt_dtype dtype = DType();
    // Strings are made by operator new: AddressSanitizer's ends the process where there is no memory.
    if (dtype == TFTRT_STRING) {
      for (std::int64_t& dim : dims) dim %= 5;
    }
    tftrt_tensor* tensor = nullptr;
    tftrt_status* status = tftrt_tensor_new(dtype, dims.data(), dims.size(), &tensor);
    // Undefined values would make runs differ.
    auto view = Sized<tftrt_tensor_view>();
    if (tensor != nullptr) {
      Expect(Succeeded(tftrt_tensor_get_view(tensor, &view)));
      if (view.num_bytes <= sizeof memory_ && view.num_bytes != 0) std::memset(view.data, 1, view.num_bytes);
    }
    Keep(status, tensor);
  }

  void BorrowTensor() {
    const std::vector<std::int64_t> dims = Dims();
    const std::size_t bytes = input_.Byte();
    const auto give_back = [](void* count) { --*static_cast<int*>(count); };
    tftrt_tensor* tensor = nullptr;
    tftrt_status* status = nullptr;
    if (input_.Byte() % 2 == 0) {
      status = tftrt_tensor_borrow(memory_, bytes, DType(), dims.data(), dims.size(), give_back, &lent_, &tensor);
      if (tensor != nullptr) ++lent_;
    } else {
      status = tftrt_tensor_copy(memory_, bytes, DType(), dims.data(), dims.size(), &tensor);
    }
    Keep(status, tensor);
  }

  void StringTensor() {
    const std::vector<std::int64_t> dims = Dims();
    const std::string text = input_.Text(input_.Byte() % 16);
    const char* values[] = {text.c_str(), "", nullptr, "more"};
    const std::size_t lengths[] = {text.size(), 0, 0, 2};
    tftrt_tensor* tensor = nullptr;
    const bool counted = input_.Byte() % 2 == 0;
    Keep(
        tftrt_tensor_strings(values, counted ? lengths : nullptr, input_.Byte() % 5, dims.data(), dims.size(), &tensor),
        tensor);
  }

  void LookAtTensor() {
    const tftrt_tensor* tensor = Tensor();
    auto view = Sized<tftrt_tensor_view>();
    if (Succeeded(tftrt_tensor_get_view(tensor, &view))) {
      for (std::size_t i = 0; i < view.rank; ++i) Expect(view.dims[i] >= 0);
      Expect(view.num_bytes == static_cast<std::size_t>(view.num_elements) * tftrt_dtype_size(view.dtype));
    }
    const char* text = nullptr;
    std::size_t length = 0;
    if (Succeeded(tftrt_tensor_get_string(tensor, Index(), &text, &length))) Expect(text[length] == '\0');
    tftrt_tensor* handle = nullptr;
    Keep(tftrt_tensor_share(tensor, &handle), handle);
  }

  void CopyTensor() {
    const tftrt_tensor* from = Tensor();
    // Nobody else may see what is written: the copy goes to a tensor of its own.
    auto view = Sized<tftrt_tensor_view>();
    tftrt_tensor* to = nullptr;
    if (!Succeeded(tftrt_tensor_get_view(from, &view))) return;
    if (view.num_bytes > sizeof memory_) return;
    if (!Succeeded(tftrt_tensor_new(view.dtype, view.dims, view.rank, &to))) return;
    Expect(Succeeded(tftrt_tensor_copy_to(from, to)) == (view.dtype != TFTRT_STRING));
    tftrt_tensor_free(to);
  }

  std::vector<tftrt_named_tensor> NamedTensors() {
    std::vector<tftrt_named_tensor> inputs;
    for (int i = input_.Byte() % 4; i > 0; --i) inputs.push_back({Name(), Tensor()});
    return inputs;
  }

  std::vector<const char*> Names() {
    std::vector<const char*> names;
    for (int i = input_.Byte() % 4; i > 0; --i) names.push_back(Name());
    return names;
  }

  static tftrt_call_options OptionsOf(const std::vector<const char*>& wanted) {
    tftrt_call_options options;
    tftrt_call_options_init(&options, sizeof options);
    options.outputs = wanted.data();
    options.num_outputs = wanted.size();
    return options;
  }

  void Run() {
    const std::vector<tftrt_named_tensor> inputs = NamedTensors();
    const std::vector<const char*> wanted = Names();
    tftrt_call_options options = OptionsOf(wanted);
    if (input_.Byte() % 8 == 0) options.struct_size = input_.Byte() % sizeof options;
    tftrt_tensor* outputs[8] = {};
    const std::size_t count = input_.Byte() % 9;
    const bool success = Succeeded(tftrt_model_run(model_, inputs.data(), inputs.size(), &options, outputs, count));
    for (std::size_t i = 0; i < count; ++i) {
      Expect((outputs[i] != nullptr) == success);
      if (success) tensors_.push_back(outputs[i]);
    }
  }

  void RunAsync() {
    const std::vector<tftrt_named_tensor> inputs = NamedTensors();
    const std::vector<const char*> wanted = Names();
    tftrt_call_options options = OptionsOf(wanted);
    const std::uint8_t timeout = input_.Byte();
    options.timeout_us = timeout % 4 == 0 ? timeout / 4 : static_cast<std::int64_t>(timeout % 4) - 2;
    tftrt_cancellation* cancellation = nullptr;
    Expect(Succeeded(tftrt_cancellation_new(&cancellation)));
    const std::uint8_t cancelled = input_.Byte() % 4;
    if (cancelled < 3) options.cancellation = cancellation;
    if (cancelled == 2) Expect(Succeeded(tftrt_cancellation_cancel(cancellation)));
    const auto done = [](void* count, tftrt_status* status, tftrt_tensor** outputs, std::size_t num_outputs) {
      if (!Succeeded(status)) Expect(num_outputs == 0);
      for (std::size_t i = 0; i < num_outputs; ++i) tftrt_tensor_free(outputs[i]);
      ++*static_cast<std::atomic<int>*>(count);
    };
    std::atomic<int> finished = 0;
    const bool begun =
        Succeeded(tftrt_model_run_async(model_, inputs.data(), inputs.size(), &options, done, &finished));
    if (cancelled == 1) Expect(Succeeded(tftrt_cancellation_cancel(cancellation)));
    tftrt_cancellation_free(cancellation);
    Expect(Succeeded(tftrt_wait_for_queued_calls()));
    Expect(finished == (begun ? 1 : 0));
  }

  void MakeInput() {
    std::vector<std::int64_t> dims = Dims();
    for (std::int64_t& dim : dims) dim %= 5;
    tftrt_tensor* tensor = nullptr;
    const char* name = Name();
    Keep(tftrt_model_make_input(model_, name, dims.data(), dims.size(), input_.Byte() % 8 == 0, &tensor), tensor);
  }

  void SetString() {
    if (tensors_.empty()) return;
    tftrt_tensor* tensor = tensors_[input_.Byte() % tensors_.size()];
    const std::size_t index = Index();
    const std::string text = input_.Text(input_.Byte() % 64);
    if (!Succeeded(tftrt_tensor_set_string(tensor, index, text.data(), text.size()))) return;
    const char* found = nullptr;
    std::size_t length = 0;
    Expect(Succeeded(tftrt_tensor_get_string(tensor, index, &found, &length)));
    Expect(std::string(found, length) == text);
  }

  void ReadFigures() {
    auto memory = Sized<tftrt_memory>();
    memory.struct_size = input_.Byte() % 4 == 0 ? input_.Byte() % sizeof memory : sizeof memory;
    Succeeded(tftrt_model_get_memory(model_, &memory));
    tftrt_stats* stats = nullptr;
    Expect(Succeeded(tftrt_model_get_stats(model_, &stats)));
    auto profile = Sized<tftrt_profile>();
    auto shape = Sized<tftrt_shape_stats>();
    const tftrt_shape* shapes = nullptr;
    std::size_t num_inputs = 0;
    const std::size_t engine = Index(), index = Index();
    Succeeded(tftrt_stats_get_profile(stats, engine, index, &profile));
    Succeeded(tftrt_stats_get_shape(stats, engine, index, &shape));
    if (!Succeeded(tftrt_stats_get_static_shapes(stats, engine, index, &shapes, &num_inputs))) {
      Expect(shapes == nullptr && num_inputs == 0);
    }
    tftrt_stats_free(stats);
  }

  void BindElsewhere() {
    into_ = NamedTensors();
    on_gpu_ = Names();
    Bind();
    into_.clear();
    on_gpu_.clear();
  }

  void Configure() {
    // Of what the process has already: anything else is refused.
    tftrt_runtime_options options;
    tftrt_runtime_options_init(&options, sizeof options);
    const std::string folder = "/no/such/folder" + input_.Text(4);
    options.gpu_memory_limit_mb = static_cast<std::int8_t>(input_.Byte());
    options.log_level = static_cast<std::int8_t>(input_.Byte());
    options.tensorflow_dir = folder.c_str();
    options.struct_size = input_.Byte() % 4 == 0 ? input_.Byte() % sizeof options : sizeof options;
    Expect(!Succeeded(tftrt_configure(&options)) || options.struct_size < sizeof options);
  }

  void Bind() {
    tftrt_runner_free(runner_);
    runner_ = nullptr;
    const std::vector<const char*> wanted = Names();
    tftrt_bind_options options;
    tftrt_bind_options_init(&options, sizeof options);
    options.into = into_.data();
    options.num_into = into_.size();
    options.on_gpu = on_gpu_.data();
    options.num_on_gpu = on_gpu_.size();
    options.outputs = wanted.data();
    options.num_outputs = wanted.size();
    if (input_.Byte() % 2 == 0) {
      const std::vector<tftrt_named_tensor> inputs = NamedTensors();
      Succeeded(tftrt_model_bind(model_, inputs.data(), inputs.size(), &options, &runner_));
      return;
    }
    const std::vector<std::int64_t> first = Dims(), second = Dims();
    const tftrt_named_shape shapes[] = {{Name(), {first.data(), first.size()}},
                                        {Name(), {second.data(), second.size()}}};
    Succeeded(tftrt_model_bind_shapes(model_, shapes, input_.Byte() % 3, &options, &runner_));
  }

  void UseRunner() {
    auto view = Sized<tftrt_tensor_view>();
    auto spec = Sized<tftrt_tensor_spec>();
    Succeeded(tftrt_runner_run(runner_));
    Succeeded(tftrt_runner_run_on(runner_, nullptr));
    Succeeded(tftrt_runner_get_output_view(runner_, Index(), &view));
    Succeeded(tftrt_runner_get_input_spec(runner_, Index(), &spec));
    Succeeded(tftrt_runner_get_output_spec(runner_, Index(), &spec));
    tftrt_tensor* tensor = nullptr;
    Keep(tftrt_runner_get_input(runner_, Name(), &tensor), tensor);
    Keep(tftrt_runner_get_output(runner_, Name(), &tensor), tensor);
  }

  void ChangeSignature() {
    tftrt_model* other = nullptr;
    if (!Succeeded(tftrt_model_with_signature(model_, Name(), &other))) return;
    tftrt_model_free(model_);
    model_ = other;
  }

  void ReadModel() {
    auto info = Sized<tftrt_model_info>();
    auto spec = Sized<tftrt_tensor_spec>();
    info.struct_size = input_.Byte() % sizeof info;
    Succeeded(tftrt_model_get_info(model_, &info));
    Succeeded(tftrt_model_get_input(model_, Index(), &spec));
    Succeeded(tftrt_model_get_output(model_, Index(), &spec));
    tftrt_stats* stats = nullptr;
    Expect(Succeeded(tftrt_model_get_stats(model_, &stats)));
    auto engine = Sized<tftrt_engine_stats>();
    Succeeded(tftrt_stats_get_engine(stats, Index(), &engine));
    tftrt_stats_free(stats);
  }

  void FreeTensor() {
    if (tensors_.empty()) return;
    tftrt_tensor_free(tensors_.back());
    tensors_.pop_back();
  }

  void LoadWithOddOptions() {
    // Of a folder without a model, so that options are read and nothing is loaded.
    tftrt_model_options options;
    tftrt_model_options_init(&options, sizeof options);
    const std::string bytes = input_.Text(8);
    options.warmup = static_cast<std::int8_t>(input_.Byte());
    options.intra_op_threads = static_cast<std::int8_t>(input_.Byte());
    options.device = bytes.c_str();
    options.struct_size = input_.Byte() % 4 == 0 ? input_.Byte() % sizeof options : sizeof options;
    tftrt_model* model = nullptr;
    Expect(!Succeeded(tftrt_model_load("/no/such/model", &options, &model)));
    Expect(model == nullptr);
  }

  Input input_;
  tftrt_model* model_ = nullptr;
  tftrt_runner* runner_ = nullptr;
  std::vector<tftrt_tensor*> tensors_;
  std::vector<tftrt_named_tensor> into_;
  std::vector<const char*> on_gpu_;
  int lent_ = 0;
  alignas(TFTRT_ALIGNMENT) unsigned char memory_[256] = {};

 public:
  bool over() const { return input_.empty() || tensors_.size() > 100; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Session session(Input(data, size));
  while (!session.over()) session.Step();
  return 0;
}
