#ifndef TFTRT_BINDINGS_PYTHON_OUTCOME_H_
#define TFTRT_BINDINGS_PYTHON_OUTCOME_H_

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "bindings.h"
#include "gpu_array.h"

namespace tftrt::bindings {

// What a call in another thread came to.
class PythonOutcome {
 public:
  PythonOutcome(std::vector<std::string> names, std::vector<Tensor> outputs, std::exception_ptr error)
      : names_(std::move(names)), outputs_(std::move(outputs)), error_(std::move(error)) {}

  // Arrays by name. Throws what the call threw.
  pybind11::dict Result() const {
    if (error_ != nullptr) std::rethrow_exception(error_);
    pybind11::dict result;
    for (std::size_t i = 0; i < outputs_.size(); ++i) result[pybind11::str(names_[i])] = ToArray(outputs_[i]);
    return result;
  }

 private:
  std::vector<std::string> names_;
  std::vector<Tensor> outputs_;
  std::exception_ptr error_;
};

}  // namespace tftrt::bindings

#endif  // TFTRT_BINDINGS_PYTHON_OUTCOME_H_
