#include <chrono>
#include <optional>
#include <utility>

#include "bindings.h"
#include "gil.h"
#include "python_model.h"
#include "text.h"

namespace tftrt::bindings {
namespace {

namespace py = pybind11;

py::handle Held(const std::shared_ptr<void>& share) { return static_cast<PyObject*>(share.get()); }

// Ctrl-C, sys.exit(), CancelledError and the like in a callback, on its way through C++.
class Interrupt : public CancelledError {
 public:
  explicit Interrupt(const py::error_already_set& raised)
      : CancelledError("a callback was interrupted"), raised_(raised) {}

  // With the GIL.
  [[noreturn]] void Raise() const { throw py::error_already_set(raised_); }

 private:
  py::error_already_set raised_;
};

// Calls back into Python. `handle` gets what it raises, save CancelledError and an Interrupt of the thread that called
// Open or Refresh.
template <typename Call, typename Handle>
void CallBack(Call call, Handle handle) {
  // Python does not know the repository's own thread until that acquires the GIL.
  const bool is_python_thread = PyGILState_GetThisThreadState() != nullptr;
  const GilAcquire gil;
  try {
    call();
  } catch (py::error_already_set& raised) {
    const bool is_cancelled = raised.matches(py::module_::import("tftrt.errors").attr("CancelledError"));
    if (is_python_thread && (is_cancelled || !raised.matches(PyExc_Exception))) throw Interrupt(raised);
    if (is_cancelled) throw CancelledError(raised.what());
    handle(raised);
  }
}

// Calls without the GIL what looks at the directory.
template <typename Look>
void LookUnlocked(Look look) {
  try {
    const GilRelease unlocked;
    look();
  } catch (const Interrupt& interrupt) {
    interrupt.Raise();
  }
}

class PythonModelRepository {
 public:
  PythonModelRepository(const std::string& directory, const RepositoryOptions& options) {
    LookUnlocked([&] { repository_ = ModelRepository::Open(directory, options); });
  }

  ~PythonModelRepository() {
    // A callback that is waited for may be waiting for the GIL.
    const GilRelease unlocked;
    repository_.reset();
  }

  const ModelRepository& repository() const { return *repository_; }

  py::tuple Current() const {
    VersionedModel current = repository_->current();
    return py::make_tuple(current.version, ToPython(std::move(current.model)));
  }

  void Refresh() {
    LookUnlocked([&] { repository_->Refresh(); });
  }

  void Close() {
    const GilRelease unlocked;
    repository_->Close();
  }

 private:
  std::optional<ModelRepository> repository_;
};

std::unique_ptr<PythonModelRepository> OpenRepository(const std::string& directory, const ModelOptions& model,
                                                      std::int64_t poll_interval_ms, bool watch, py::object warm_up,
                                                      py::object on_event) {
  RepositoryOptions options;
  options.model = model;
  options.poll_interval = std::chrono::milliseconds(poll_interval_ms);
  options.watch = watch;
  options.warm_up = [function = Share(std::move(warm_up))](const Model& loaded) {
    if (IsFinalizing()) throw CancelledError("Python ends");
    CallBack([&] { Held(function)(ToPython(loaded)); },
             // Its text, as it can only be asked for with the GIL.
             [](const py::error_already_set& raised) { throw ModelError(raised.what()); });
  };
  options.on_event = [function = Share(std::move(on_event))](const RepositoryEvent& event) {
    if (IsFinalizing()) return;
    CallBack([&] { Held(function)(event); },
             [](py::error_already_set& raised) { raised.discard_as_unraisable("tftrt.ModelRepository's on_event"); });
  };
  return std::make_unique<PythonModelRepository>(directory, options);
}

}  // namespace

void BindModelRepository(py::module_& module) {
  py::class_<VersionStatus>(module, "VersionStatus", "What is known of one version of a model.")
      .def_readonly("version", &VersionStatus::version)
      .def_property_readonly("path", [](const VersionStatus& status) { return FromPath(status.path); })
      .def_property_readonly("state", [](const VersionStatus& status) { return Name(status.state); })
      .def_property_readonly("error", [](const VersionStatus& status) { return FromMessage(status.error); })
      .def_readonly("present", &VersionStatus::present)
      .def_property_readonly("since",
                             [](const VersionStatus& status) {
                               return std::chrono::duration<double>(status.since.time_since_epoch()).count();
                             })
      .def_readonly("load_seconds", &VersionStatus::load_seconds)
      .def("__repr__", [](const VersionStatus& status) {
        return "<version " + std::to_string(status.version) + ": " + std::string(Name(status.state)) + ">";
      });
  py::class_<RepositoryEvent>(module, "RepositoryEvent", "Something that happened in a repository.")
      .def_property_readonly("kind", [](const RepositoryEvent& event) { return Name(event.kind); })
      .def_property_readonly("version",
                             [](const RepositoryEvent& event) {
                               return event.version == -1 ? std::nullopt : std::optional(event.version);
                             })
      .def_property_readonly("message", [](const RepositoryEvent& event) { return FromMessage(event.message); })
      .def("__repr__", [](const RepositoryEvent& event) { return FromMessage("<" + event.message + ">"); });
  py::class_<PythonModelRepository>(module, "ModelRepository", "tftrt::ModelRepository: versions of a model.")
      .def_static("open", &OpenRepository, py::arg("directory"), py::arg("model"), py::arg("poll_interval_ms"),
                  py::arg("watch"), py::arg("warm_up"), py::arg("on_event"))
      .def("current", &PythonModelRepository::Current)
      .def_property_readonly("version", [](const PythonModelRepository& self) { return self.repository().version(); })
      .def_property_readonly("problem",
                             [](const PythonModelRepository& self) { return FromMessage(self.repository().problem()); })
      .def_property_readonly("closed", [](const PythonModelRepository& self) { return self.repository().closed(); })
      .def("versions", [](const PythonModelRepository& self) { return self.repository().versions(); })
      .def("refresh", &PythonModelRepository::Refresh)
      .def("close", &PythonModelRepository::Close);
}

}  // namespace tftrt::bindings
