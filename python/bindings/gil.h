#ifndef TFTRT_BINDINGS_GIL_H_
#define TFTRT_BINDINGS_GIL_H_

#include <cxxabi.h>
#include <unistd.h>

#include <memory>

#include "bindings.h"

namespace tftrt::bindings {

inline bool IsFinalizing() {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsFinalizing() != 0;
#else
  return _Py_IsFinalizing() != 0;
#endif
}

// Lets other threads run Python while this one is in C++. Unlike pybind11's, it lets a daemon thread that comes back
// when the interpreter is ending wait for the end of the process: Python would end the thread by unwinding it, which
// the destructor's callers do not survive.
class GilRelease {
 public:
  GilRelease() : ends_interpreter_(IsFinalizing()), state_(PyEval_SaveThread()) {}
  ~GilRelease() {
    while (!ends_interpreter_ && IsFinalizing()) pause();
    try {
      PyEval_RestoreThread(state_);
    } catch (const abi::__forced_unwind&) {  // the interpreter began to end meanwhile
      while (true) pause();
    }
  }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  bool ends_interpreter_;  // while it does, only the thread that ends it has the GIL
  PyThreadState* state_;
};

// For threads that Python does not know, and that nothing may unwind: if the interpreter ends while one waits for the
// GIL, the thread waits for the end of the process.
class GilAcquire {
 public:
  GilAcquire() {
    try {
      state_ = PyGILState_Ensure();
    } catch (const abi::__forced_unwind&) {
      while (true) pause();
    }
  }
  ~GilAcquire() { PyGILState_Release(state_); }
  GilAcquire(const GilAcquire&) = delete;
  GilAcquire& operator=(const GilAcquire&) = delete;

 private:
  PyGILState_STATE state_;
};

// A share of a Python object that any thread may drop: TensorFlow releases what it borrowed in threads of its own.
inline std::shared_ptr<void> Share(pybind11::object object) {
  return std::shared_ptr<void>(object.release().ptr(), [](void* pointer) {
    auto* object = static_cast<PyObject*>(pointer);
    if (Py_IsInitialized() == 0) return;
    if (PyGILState_Check() != 0) {
      Py_DECREF(object);
    } else if (!IsFinalizing()) {
      // While the interpreter ends, a thread that asks for the GIL never returns; the memory is about to go anyway.
      const GilAcquire gil;
      Py_DECREF(object);
    }
  });
}

}  // namespace tftrt::bindings

#endif  // TFTRT_BINDINGS_GIL_H_
