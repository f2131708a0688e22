#ifndef TFTRT_BINDINGS_DICT_H_
#define TFTRT_BINDINGS_DICT_H_

#include <string>
#include <utility>
#include <vector>

#include "bindings.h"

namespace tftrt::bindings {

// In the order of `pairs`.
template <typename Value>
pybind11::dict ToDict(const std::vector<std::pair<std::string, Value>>& pairs) {
  pybind11::dict dict;
  for (const auto& [key, value] : pairs) dict[pybind11::str(key)] = value;
  return dict;
}

}  // namespace tftrt::bindings

#endif  // TFTRT_BINDINGS_DICT_H_
