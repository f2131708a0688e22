#include "python_runner.h"

#include "array.h"
#include "gil.h"

namespace tftrt::bindings {

namespace py = pybind11;

namespace {

py::object ReadOnly(const py::dict& dict) { return py::reinterpret_steal<py::object>(PyDictProxy_New(dict.ptr())); }

bool IsSame(const Tensor& a, const Tensor& b) {
  return a.valid() && a.dtype() != DType::kString && a.owner() == b.owner() && a.shape() == b.shape();
}

}  // namespace

PythonRunner::PythonRunner(Runner runner) : runner_(std::move(runner)) {
  py::dict inputs;
  for (std::size_t i = 0; i < runner_->inputs().size(); ++i) {
    inputs[py::str(runner_->inputs()[i].name)] = ToNumpy(runner_->input(i));
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

const py::object& PythonRunner::Run() {
  if (running_) throw InvalidArgumentError("this runner is running in another thread; give each thread its own");
  running_ = true;
  struct Ended {
    bool& running;
    ~Ended() { running = false; }
  } ended{running_};
  {
    const GilRelease unlocked;
    runner_->Run();
  }
  ShowOutputs();
  return outputs_;
}

void PythonRunner::ShowOutputs() {
  for (std::size_t i = 0; i < shown_.size(); ++i) {
    const Tensor& tensor = runner_->output(i);
    if (IsSame(shown_[i], tensor)) continue;
    output_arrays_[output_names_[i]] = ToNumpy(tensor);
    shown_[i] = tensor;
  }
}

}  // namespace tftrt::bindings
