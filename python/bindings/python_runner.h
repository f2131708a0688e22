#ifndef TFTRT_BINDINGS_PYTHON_RUNNER_H_
#define TFTRT_BINDINGS_PYTHON_RUNNER_H_

#include <optional>
#include <vector>

#include "bindings.h"

namespace tftrt::bindings {

// A Runner with its inputs and outputs as arrays, which are made once.
class PythonRunner {
 public:
  explicit PythonRunner(Runner runner);
  PythonRunner(const PythonRunner&) = delete;
  PythonRunner& operator=(const PythonRunner&) = delete;
  ~PythonRunner();

  // Read-only mappings, so that nobody takes assigning an array for filling one.
  const pybind11::object& inputs() const { return inputs_; }
  const pybind11::object& outputs() const { return outputs_; }

  // Runs once, in the order of `stream` if it is not None, and returns outputs(). Throws InvalidArgumentError if
  // another thread is in it, or `stream` is none.
  const pybind11::object& Run(pybind11::handle stream);

 private:
  void ShowOutputs();

  std::optional<Runner> runner_;
  bool running_ = false;  // guarded by the GIL
  pybind11::dict output_arrays_;
  pybind11::object inputs_;
  pybind11::object outputs_;
  std::vector<pybind11::str> output_names_;
  std::vector<Tensor> shown_;  // what output_arrays_ show
};

}  // namespace tftrt::bindings

#endif  // TFTRT_BINDINGS_PYTHON_RUNNER_H_
