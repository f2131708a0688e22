#ifndef TFTRT_BINDINGS_TEXT_H_
#define TFTRT_BINDINGS_TEXT_H_

#include <string>
#include <string_view>

#include "bindings.h"

namespace tftrt::bindings {

// As os.fsdecode does.
inline pybind11::object FromPath(const std::string& path) {
  return pybind11::reinterpret_steal<pybind11::object>(
      PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size())));
}

// Paths and names in damaged models are any bytes, and so are messages that have them.
inline pybind11::object FromMessage(std::string_view message) {
  return pybind11::reinterpret_steal<pybind11::object>(
      PyUnicode_DecodeUTF8(message.data(), static_cast<Py_ssize_t>(message.size()), "replace"));
}

}  // namespace tftrt::bindings

#endif  // TFTRT_BINDINGS_TEXT_H_
