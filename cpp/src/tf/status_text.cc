#include "tf/status_text.h"

#include <algorithm>
#include <array>
#include <vector>

#include "tensorflow/core/framework/op_kernel.h"

namespace tftrt {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

bool StartsWith(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

bool Contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// `  File "model.py", line 7, in call`
bool IsFrame(std::string_view line) { return StartsWith(line, "File \"") && Contains(line, "\", line "); }

// What comes before frames, or announces them.
bool BeginsFrames(std::string_view line) {
  return IsFrame(line) || StartsWith(line, "Traceback (most recent call last)") ||
         StartsWith(line, "Original stack trace for ") || Contains(line, "defined at (most recent call last)");
}

// `\t [[{{node a/b}}]]`
bool IsMark(std::string_view line) { return StartsWith(line, "\t [[") || StartsWith(Trim(line), "[[{{node "); }

bool IsBoilerplate(std::string_view line) {
  return line == "Graph execution error:" || line == "in user code:" || line == "Stack trace for op definition:" ||
         (StartsWith(line, "Node: '") && line.back() == '\'') ||
         StartsWith(line, "Errors may have originated from an input operation") || line == "0 successful operations." ||
         Contains(line, " derived errors ignored.");
}

// "{{node a/b}}" becomes "node a/b", and "{{function_node f}}" nothing: nobody knows the names of functions.
std::string WithPlainNames(std::string_view line) {
  constexpr std::string_view kNode = "{{node ", kFunction = "{{function_node ", kEnd = "}}";
  std::string text;
  while (!line.empty()) {
    const std::size_t begin = std::min(line.find(kNode), line.find(kFunction));
    const std::size_t end = begin == std::string_view::npos ? begin : line.find(kEnd, begin);
    text += line.substr(0, end == std::string_view::npos ? end : begin);
    if (end == std::string_view::npos) break;
    const bool node = StartsWith(line.substr(begin), kNode);
    if (node) text += "node " + std::string(line.substr(begin + kNode.size(), end - begin - kNode.size()));
    line.remove_prefix(end + kEnd.size());
    if (!node && StartsWith(line, " ")) line.remove_prefix(1);
  }
  return text;
}

}  // namespace

std::string CauseOf(std::string_view message) {
  std::vector<std::string> kept;
  std::string_view last;
  // What is indented more than frames belongs to them.
  constexpr std::size_t kOutside = std::string_view::npos;
  std::size_t frames = kOutside;
  while (true) {
    const std::size_t end = message.find('\n');
    const std::string_view line = message.substr(0, end);
    const std::string_view content = Trim(line);
    if (!content.empty()) last = content;
    const std::size_t indentation = line.find_first_not_of(kBlanks);
    if (BeginsFrames(content)) {
      frames = indentation;
    } else if (!content.empty() && indentation <= frames) {
      frames = kOutside;
      const bool repeated = !kept.empty() && kept.back() == line;
      if (!IsMark(line) && !IsBoilerplate(content) && !repeated) kept.push_back(WithPlainNames(line));
    }
    if (end == std::string_view::npos) break;
    message.remove_prefix(end + 1);
  }
  // Whatever it is, it is the cause.
  if (kept.empty()) return std::string(last);
  std::string text;
  for (const std::string& line : kept) text += (text.empty() ? "" : "\n") + line;
  return text;
}

std::string OpWithoutKernel(std::string_view message) {
  constexpr std::array<std::string_view, 2> kBegins = {"No OpKernel was registered to support Op '", "No registered '"};
  for (const std::string_view begin : kBegins) {
    const std::size_t found = message.find(begin);
    if (found == std::string_view::npos) continue;
    const std::string_view rest = message.substr(found + begin.size());
    return std::string(rest.substr(0, rest.find('\'')));
  }
  return "";
}

std::string ExplainMissingKernel(const std::string& op) {
  if (op == "PyFunc" || op == "PyFuncStateless" || op == "EagerPyFunc") {
    return "it calls a Python function, which only the process that made the model has. Export the model without "
           "tf.numpy_function and tf.py_function";
  }
  const std::string kernels = tensorflow::KernelsRegisteredForOp(op);
  const bool on_cpu = Contains(kernels, "device='CPU'") || Contains(kernels, "device='DEFAULT'");
  if (!on_cpu && (Contains(kernels, "device='GPU'") || StartsWith(op, "Cudnn"))) {
    return "it needs a GPU. Load the model on a machine with one, or export it for CPUs";
  }
  if (on_cpu) return "TensorFlow has kernels for other types of it only. Export the model with types that it supports";
  return "TensorFlow has none for it. Load the library that has one with the option op_libraries, or export the model "
         "without the op";
}

}  // namespace tftrt
