#ifndef TFTRT_RUNTIME_TENSOR_NAME_H_
#define TFTRT_RUNTIME_TENSOR_NAME_H_

#include <optional>
#include <string>
#include <string_view>

namespace tftrt {

// A node's input, as graphs ("node", "node:1", "^node") and functions ("argument", "node:output:1", "^node") write it.
// The views point into the parsed text.
struct TensorName {
  std::string_view node;    // or the function's argument
  std::string_view output;  // the output's name in its op; empty in graphs
  int index = 0;            // among the node's outputs, or, with `output`, among the tensors of that one
  bool control = false;     // the node must run first, and hands over nothing
};

// nullopt if `text` is none of these forms.
std::optional<TensorName> ParseTensorName(std::string_view text);

// The shortest text that parses to `name`.
std::string ToString(const TensorName& name);

// The node of `text`; empty if it is no tensor's name.
std::string_view NodeName(std::string_view text);

// Whether `text` is a control input.
inline bool IsControl(std::string_view text) { return !text.empty() && text.front() == '^'; }

}  // namespace tftrt

#endif  // TFTRT_RUNTIME_TENSOR_NAME_H_
