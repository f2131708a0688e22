#include "runtime/tensor_name.h"

#include <algorithm>
#include <charconv>

namespace tftrt {
namespace {

bool IsIndex(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool ParseIndex(std::string_view text, int& index) {
  if (!IsIndex(text)) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  return error == std::errc() && end == text.data() + text.size();
}

// Takes what is before the next colon off the text, and the colon.
std::string_view TakePart(std::string_view& text) {
  const std::size_t colon = text.find(':');
  const std::string_view part = text.substr(0, colon);
  text.remove_prefix(colon == std::string_view::npos ? text.size() : colon + 1);
  return part;
}

}  // namespace

std::optional<TensorName> ParseTensorName(std::string_view text) {
  TensorName name;
  name.control = !text.empty() && text.front() == '^';
  if (name.control) text.remove_prefix(1);
  if (text.empty() || text.back() == ':') return std::nullopt;
  name.node = TakePart(text);
  if (name.node.empty() || name.node.front() == '^') return std::nullopt;
  if (text.empty()) return name;
  if (name.control) return std::nullopt;
  if (IsIndex(text)) return ParseIndex(text, name.index) ? std::optional(name) : std::nullopt;
  name.output = TakePart(text);
  if (name.output.empty() || IsIndex(name.output)) return std::nullopt;
  if (!text.empty() && !ParseIndex(text, name.index)) return std::nullopt;
  return name;
}

std::string ToString(const TensorName& name) {
  std::string text = (name.control ? "^" : "") + std::string(name.node);
  if (!name.output.empty()) return text + ":" + std::string(name.output) + ":" + std::to_string(name.index);
  if (name.index != 0) text += ":" + std::to_string(name.index);
  return text;
}

std::string_view NodeName(std::string_view text) {
  const std::optional<TensorName> name = ParseTensorName(text);
  return name ? name->node : std::string_view();
}

}  // namespace tftrt
