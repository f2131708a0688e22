#include "bindings.h"
#include "text.h"

namespace tftrt::bindings {
namespace {

namespace py = pybind11;

void Raise(const char* name, const Error& error) {
  // The classes are Python's own (tftrt/errors.py); looking one up costs little beside an error.
  const py::object type = py::module_::import("tftrt.errors").attr(name);
  PyErr_SetObject(type.ptr(), FromMessage(error.what()).ptr());
}

}  // namespace

void RegisterErrors(py::module_&) {
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const InvalidArgumentError& error) {
      Raise("InvalidArgumentError", error);
    } catch (const ModelError& error) {
      Raise("ModelError", error);
    } catch (const IncompatibleError& error) {
      Raise("IncompatibleError", error);
    } catch (const UnsupportedError& error) {
      Raise("UnsupportedError", error);
    } catch (const ResourceExhaustedError& error) {
      Raise("ResourceExhaustedError", error);
    } catch (const DeadlineExceededError& error) {
      Raise("DeadlineExceededError", error);
    } catch (const CancelledError& error) {
      Raise("CancelledError", error);
    } catch (const InternalError& error) {
      Raise("InternalError", error);
    } catch (const Error& error) {
      Raise("Error", error);
    }
  });
}

}  // namespace tftrt::bindings
