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

class PythonModelRepository {
 public:
  PythonModelRepository(const std::string& directory, const RepositoryOptions& options) {
    const GilRelease unlocked;
    repository_ = ModelRepository::Open(directory, options);
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
    const GilRelease unlocked;
    repository_->Refresh();
  }

  void Close() {
    const GilRelease unlocked;
    repository_->Close();
  }

 private:
  std::optional<ModelRepository> repository_;
};

std::unique_ptr<PythonModelRepository> Open(const std::string& directory, const ModelOptions& model,
                                            std::int64_t poll_interval_ms, bool watch, py::object warm_up,
                                            py::object on_event) {
  RepositoryOptions options;
  options.model = model;
  options.poll_interval = std::chrono::milliseconds(poll_interval_ms);
  options.watch = watch;
  options.warm_up = [function = Share(std::move(warm_up))](const Model& loaded) {
    if (IsFinalizing()) throw CancelledError("Python ends");
    const GilAcquire gil;
    try {
      Held(function)(ToPython(loaded));
    } catch (py::error_already_set& raised) {
      // Its text, as it can only be asked for with the GIL.
      throw ModelError(raised.what());
    }
  };
  options.on_event = [function = Share(std::move(on_event))](const RepositoryEvent& event) {
    if (IsFinalizing()) return;
    const GilAcquire gil;
    try {
      Held(function)(event);
    } catch (py::error_already_set& raised) {
      raised.discard_as_unraisable("tftrt.ModelRepository's on_event");
    }
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
      .def_static("open", &Open, py::arg("directory"), py::arg("model"), py::arg("poll_interval_ms"), py::arg("watch"),
                  py::arg("warm_up"), py::arg("on_event"))
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
