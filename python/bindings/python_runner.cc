#include "python_runner.h"

#include "gil.h"
#include "gpu_array.h"

namespace tftrt::bindings {

namespace py = pybind11;

namespace {

py::object ReadOnly(const py::dict& dict) { return py::reinterpret_steal<py::object>(PyDictProxy_New(dict.ptr())); }

// The address that the stream of another library stands for; nothing for None.
std::optional<std::uintptr_t> StreamOf(py::handle stream) {
  if (stream.is_none()) return std::nullopt;
  for (const char* attr : {"cuda_stream", "ptr"}) {  // PyTorch's, CuPy's
    if (py::hasattr(stream, attr)) return stream.attr(attr).cast<std::uintptr_t>();
  }
  if (PyLong_Check(stream.ptr())) return stream.cast<std::uintptr_t>();
  throw InvalidArgumentError("stream is " + std::string(py::repr(stream)) +
                             "; expected a stream of PyTorch or CuPy, or the address of a CUDA stream as an int");
}

bool IsSame(const Tensor& a, const Tensor& b) {
  return a.valid() && a.dtype() != DType::kString && a.owner() == b.owner() && a.shape() == b.shape();
}

}  // namespace

PythonRunner::PythonRunner(Runner runner) : runner_(std::move(runner)) {
  py::dict inputs;
  for (std::size_t i = 0; i < runner_->inputs().size(); ++i) {
    inputs[py::str(runner_->inputs()[i].name)] = ToArray(runner_->input(i));
  }
  for (const TensorSpec& spec : runner_->outputs()) output_names_.push_back(py::str(spec.name));
  inputs_ = ReadOnly(inputs);
  outputs_ = ReadOnly(output_arrays_);
  shown_.resize(output_names_.size());
}

PythonRunner::~PythonRunner() {
  // It may be the last to hold the session: see PythonModel.
  const GilRelease unlocked;
  runner_.reset();
}

const py::object& PythonRunner::Run(py::handle stream) {
  if (running_) throw InvalidArgumentError("this runner is running in another thread; give each thread its own");
  const std::optional<std::uintptr_t> address = StreamOf(stream);
  running_ = true;
  struct Ended {
    bool& running;
    ~Ended() { running = false; }
  } ended{running_};
  {
    const GilRelease unlocked;
    address ? runner_->RunOn(reinterpret_cast<void*>(*address)) : runner_->Run();
  }
  ShowOutputs();
  return outputs_;
}

void PythonRunner::ShowOutputs() {
  for (std::size_t i = 0; i < shown_.size(); ++i) {
    const Tensor& tensor = runner_->output(i);
    if (IsSame(shown_[i], tensor)) continue;
    output_arrays_[output_names_[i]] = ToArray(tensor);
    shown_[i] = tensor;
  }
}

}  // namespace tftrt::bindings
