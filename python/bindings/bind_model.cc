#include <algorithm>
#include <chrono>

#include "array.h"
#include "bindings.h"
#include "dict.h"
#include "gil.h"
#include "python_model.h"
#include "python_outcome.h"
#include "python_runner.h"
#include "text.h"

namespace tftrt::bindings {
namespace {

namespace py = pybind11;

// A Model with its names as Python strings, which are made once instead of for each call.
class PythonModel {
 public:
  explicit PythonModel(Model model) : model_(std::move(model)) {
    for (const TensorSpec& spec : model_->inputs()) input_names_.push_back(py::str(spec.name));
    for (const TensorSpec& spec : model_->outputs()) output_names_.push_back(py::str(spec.name));
  }

  ~PythonModel() {
    // Freeing a session waits for TensorFlow's threads, which may be waiting for the GIL to release an array.
    const GilRelease unlocked;
    model_.reset();
  }

  const Model& model() const { return *model_; }

  void Close() {
    const GilRelease unlocked;
    model_->Close();
  }

  // `timeout` in seconds.
  py::dict Run(const py::dict& inputs, const std::vector<std::string>& outputs, const std::vector<std::string>& on_gpu,
               std::optional<double> timeout) const {
    const std::vector<TensorSpec>& specs = model_->inputs();
    const bool plain = outputs.empty() && on_gpu.empty() && !timeout;
    if (plain && inputs.size() == specs.size()) {
      std::vector<Tensor> ordered;
      ordered.reserve(specs.size());
      for (std::size_t i = 0; i < specs.size(); ++i) {
        // Held: making a tensor may run Python, which may change the dict.
        const auto value =
            py::reinterpret_borrow<py::object>(PyDict_GetItemWithError(inputs.ptr(), input_names_[i].ptr()));
        if (PyErr_Occurred() != nullptr) throw py::error_already_set();
        if (!value) break;
        ordered.push_back(ToTensor(value, specs[i]));
      }
      if (ordered.size() == specs.size()) return RunOrdered(ordered);
    }
    return RunNamed(inputs, {outputs, on_gpu, DeadlineAfter(timeout), std::nullopt});
  }

  // Calls `done` in another thread, with an Outcome. The result gives the call up.
  Cancellation RunAsync(const py::dict& inputs, const std::vector<std::string>& outputs,
                        const std::vector<std::string>& on_gpu, std::optional<double> timeout, py::object done) const {
    const Cancellation cancellation;
    const CallOptions options = {outputs, on_gpu, DeadlineAfter(timeout), cancellation};
    const NamedTensors named = ToTensors(inputs);
    std::vector<std::string> names = outputs;
    if (names.empty()) {
      for (const TensorSpec& spec : model_->outputs()) names.push_back(spec.name);
    }
    const auto finish = [names, share = Share(std::move(done))](std::vector<Tensor> tensors, std::exception_ptr error) {
      if (IsFinalizing()) return;
      const GilAcquire gil;
      try {
        py::handle(static_cast<PyObject*>(share.get()))(PythonOutcome(names, std::move(tensors), std::move(error)));
      } catch (py::error_already_set& raised) {
        raised.discard_as_unraisable("tftrt.Model.run_async");
      }
    };
    const GilRelease unlocked;
    model_->RunAsync(named, options, finish);
    return cancellation;
  }

  // `inputs`: for each name a shape (a tuple of int) or an array, whose memory is then read by every run.
  std::unique_ptr<PythonRunner> Bind(const py::dict& inputs, const std::vector<std::string>& outputs,
                                     const std::vector<std::string>& on_gpu, const py::dict& into) const {
    NamedTensors tensors;
    const auto make = [&](const TensorSpec& spec, const Shape& shape) {
      const bool there = std::find(on_gpu.begin(), on_gpu.end(), spec.name) != on_gpu.end();
      const GilRelease unlocked;
      tensors.emplace_back(spec.name, model_->MakeInput(spec.name, shape, there));
    };
    for (const auto& [key, value] : inputs) {
      const std::string name = NameOf(key);
      const TensorSpec* spec = Find(model_->inputs(), name);
      if (spec == nullptr || !PyTuple_Check(value.ptr())) {
        tensors.emplace_back(name, spec == nullptr ? Tensor() : ToTensorInPlace(value, *spec));
      } else if (spec->dtype == DType::kString) {
        throw UnsupportedError("input \"" + name +
                               "\" holds strings, which cannot be bound from Python; call the model");
      } else {
        make(*spec, value.cast<Shape>());
      }
    }
    for (const TensorSpec& spec : model_->inputs()) {
      const bool fixed = spec.known_rank && std::count(spec.shape.begin(), spec.shape.end(), -1) == 0;
      if (fixed && !spec.default_value.valid() && !inputs.contains(spec.name)) make(spec, spec.shape);
    }
    NamedTensors targets;
    for (const auto& [key, value] : into) {
      const std::string name = NameOf(key);
      const TensorSpec* spec = Find(model_->outputs(), name);
      targets.emplace_back(name, spec == nullptr ? Tensor() : ToTensorInPlace(value, *spec, Access::kWrite));
    }
    std::optional<Runner> runner;
    {
      const GilRelease unlocked;
      runner = model_->Bind(tensors, outputs, on_gpu, targets);
    }
    return std::make_unique<PythonRunner>(*std::move(runner));
  }

  py::dict RunSingle(py::handle value) const {
    const std::vector<TensorSpec>& specs = model_->inputs();
    // The one input, or the one without a default value.
    const auto needed = [&](const TensorSpec& spec) { return specs.size() == 1 || !spec.default_value.valid(); };
    if (std::count_if(specs.begin(), specs.end(), needed) != 1) {
      throw InvalidArgumentError("signature \"" + model_->signature() + "\" has " + std::to_string(specs.size()) +
                                 " inputs; pass them by name: model({\"name\": array, ...})");
    }
    std::vector<Tensor> inputs(specs.size());
    const auto index = std::find_if(specs.begin(), specs.end(), needed) - specs.begin();
    const auto position = static_cast<std::size_t>(index);
    inputs[position] = ToTensor(value, specs[position]);
    return RunOrdered(inputs);
  }

 private:
  py::dict RunOrdered(const std::vector<Tensor>& inputs) const {
    std::vector<Tensor> tensors;
    {
      const GilRelease unlocked;
      tensors = model_->RunOrdered(inputs);
    }
    py::dict results;
    for (std::size_t i = 0; i < tensors.size(); ++i) results[output_names_[i]] = ToNumpy(tensors[i]);
    return results;
  }

  static std::optional<std::chrono::steady_clock::time_point> DeadlineAfter(std::optional<double> timeout) {
    if (!timeout) return std::nullopt;
    // More than any process lives, and less than a clock overflows with.
    constexpr double kMost = 1e9;
    if (!(*timeout > 0 && *timeout <= kMost)) {
      throw InvalidArgumentError("timeout is " + std::string(py::str(py::float_(*timeout))) +
                                 "; expected seconds, more than 0 and at most 1e9");
    }
    return std::chrono::steady_clock::now() +
           std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(*timeout));
  }

  NamedTensors ToTensors(const py::dict& inputs) const {
    NamedTensors named;
    const auto items = py::reinterpret_steal<py::dict>(PyDict_Copy(inputs.ptr()));
    for (const auto& [key, value] : items) {
      const std::string name = NameOf(key);
      const TensorSpec* spec = Find(model_->inputs(), name);
      named.emplace_back(name, spec == nullptr ? Tensor() : ToTensor(value, *spec));
    }
    return named;
  }

  // The general way, which also tells what is wrong with the names.
  py::dict RunNamed(const py::dict& inputs, const CallOptions& options) const {
    const NamedTensors named = ToTensors(inputs);
    std::vector<Tensor> tensors;
    {
      const GilRelease unlocked;
      tensors = model_->Run(named, options);
    }
    py::dict results;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      results[options.outputs.empty() ? output_names_[i] : py::str(options.outputs[i])] = ToArray(tensors[i]);
    }
    return results;
  }

  static std::string NameOf(py::handle key) {
    const char* text = PyUnicode_Check(key.ptr()) != 0 ? PyUnicode_AsUTF8(key.ptr()) : nullptr;
    if (text != nullptr) return text;
    PyErr_Clear();
    return py::repr(key);  // no input has such a name, and the error shows it
  }

  static const TensorSpec* Find(const std::vector<TensorSpec>& specs, const std::string& name) {
    for (const TensorSpec& spec : specs) {
      if (spec.name == name) return &spec;
    }
    return nullptr;
  }

  std::optional<Model> model_;
  std::vector<py::str> input_names_;
  std::vector<py::str> output_names_;
};

}  // namespace

py::object ToPython(Model model) { return py::cast(std::make_unique<PythonModel>(std::move(model))); }

void BindModel(py::module_& module) {
  py::class_<ModelInfo>(module, "ModelInfo", "What loading decided and how long it took.")
      .def_property_readonly("path", [](const ModelInfo& info) { return FromPath(info.path); })
      .def_readonly("tags", &ModelInfo::tags)
      .def_readonly("device", &ModelInfo::device)
      .def_readonly("executor", &ModelInfo::executor)
      .def_readonly("executor_reason", &ModelInfo::executor_reason)
      .def_readonly("engines", &ModelInfo::engines)
      .def_readonly("engines_ready", &ModelInfo::engines_ready)
      .def_readonly("instances", &ModelInfo::instances)
      .def_readonly("engine_problem", &ModelInfo::engine_problem)
      .def_readonly("tensorrt_problem", &ModelInfo::tensorrt_problem)
      .def_property_readonly("load_seconds", [](const ModelInfo& info) { return ToDict(info.load_seconds); });

  py::class_<PythonModel>(module, "Model", "tftrt::Model: a loaded SavedModel, seen through one of its signatures.")
      .def_static(
          "load",
          [](const std::string& path, const ModelOptions& options) {
            std::optional<Model> model;
            {
              const GilRelease unlocked;
              model = Model::Load(path, options);
            }
            return std::make_unique<PythonModel>(*std::move(model));
          },
          py::arg("path"), py::arg("options"))
      .def(
          "with_signature",
          [](const PythonModel& self, const std::string& name) {
            std::optional<Model> model;
            {
              const GilRelease unlocked;
              model = self.model().WithSignature(name);
            }
            return std::make_unique<PythonModel>(*std::move(model));
          },
          py::arg("name"))
      .def_property_readonly("path", [](const PythonModel& self) { return FromPath(self.model().info().path); })
      .def_property_readonly("signature", [](const PythonModel& self) { return self.model().signature(); })
      .def_property_readonly("inputs", [](const PythonModel& self) { return self.model().inputs(); })
      .def_property_readonly("outputs", [](const PythonModel& self) { return self.model().outputs(); })
      .def_property_readonly("signatures", [](const PythonModel& self) { return self.model().signatures(); })
      .def_property_readonly("info", [](const PythonModel& self) { return self.model().info(); })
      .def_property_readonly("manifest", [](const PythonModel& self) { return self.model().manifest(); })
      .def_property_readonly("closed", [](const PythonModel& self) { return self.model().closed(); })
      // Whoever closes the model may be waiting for the GIL.
      .def("stats",
           [](const PythonModel& self) {
             const GilRelease unlocked;
             return self.model().Stats();
           })
      .def("close", &PythonModel::Close)
      .def("memory",
           [](const PythonModel& self) {
             const GilRelease unlocked;
             return self.model().Memory();
           })
      .def("bind", &PythonModel::Bind, py::arg("inputs"), py::arg("outputs"), py::arg("on_gpu"), py::arg("into"))
      .def("run", &PythonModel::Run, py::arg("inputs"), py::arg("outputs") = std::vector<std::string>(),
           py::arg("on_gpu") = std::vector<std::string>(), py::arg("timeout") = py::none())
      .def("run_async", &PythonModel::RunAsync, py::arg("inputs"), py::arg("outputs"), py::arg("on_gpu"),
           py::arg("timeout"), py::arg("done"))
      .def("run_single", &PythonModel::RunSingle, py::arg("value"));
}

}  // namespace tftrt::bindings
