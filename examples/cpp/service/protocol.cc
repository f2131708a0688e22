#include "protocol.h"

namespace service {
namespace {

constexpr std::size_t kMostDimensions = 8;

bool TakeNumber(std::size_t bytes, std::string_view& text, std::uint64_t& number) {
  if (text.size() < bytes) return false;
  number = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    number |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
  }
  text.remove_prefix(bytes);
  return true;
}

bool TakeTensor(tftrt::DType dtype, std::string_view& text, TensorView& tensor) {
  std::uint64_t rank = 0;
  if (!TakeNumber(1, text, rank) || rank > kMostDimensions) return false;
  std::uint64_t bytes = tftrt::ElementSize(dtype);
  for (std::uint64_t i = 0; i < rank; ++i) {
    std::uint64_t dim = 0;
    if (!TakeNumber(8, text, dim) || dim > kLargestMessage) return false;
    tensor.shape.push_back(static_cast<std::int64_t>(dim));
    bytes *= dim;
    if (bytes > kLargestMessage) return false;
  }
  if (text.size() < bytes) return false;
  tensor.elements = text.substr(0, bytes);
  text.remove_prefix(bytes);
  return true;
}

}  // namespace

bool ParseRequest(std::string_view message, Request& request) {
  std::uint64_t kind = 0;
  if (!TakeNumber(8, message, request.id) || !TakeNumber(1, message, kind) || kind > 1) return false;
  request.kind = static_cast<Kind>(kind);
  request.inputs = message;
  return request.kind == Kind::kRun || message.empty();
}

bool ParseTensors(std::string_view text, const std::vector<tftrt::DType>& dtypes, std::vector<TensorView>& tensors) {
  tensors.clear();
  for (const tftrt::DType dtype : dtypes) {
    if (!TakeTensor(dtype, text, tensors.emplace_back())) return false;
  }
  return text.empty();
}

void AppendNumber(std::uint64_t number, int bytes, std::string& message) {
  for (int i = 0; i < bytes; ++i) message.push_back(static_cast<char>(number >> (8 * i) & 0xff));
}

void AppendTensor(const tftrt::Tensor& tensor, std::string& message) {
  AppendNumber(tensor.shape().size(), 1, message);
  for (const std::int64_t dim : tensor.shape()) AppendNumber(static_cast<std::uint64_t>(dim), 8, message);
  message.append(static_cast<const char*>(tensor.data()), tensor.num_bytes());
}

std::string BeginAnswer(std::uint64_t id, Status status, std::int64_t version) {
  std::string message;
  AppendNumber(id, 8, message);
  AppendNumber(static_cast<std::uint8_t>(status), 1, message);
  AppendNumber(static_cast<std::uint64_t>(version), 8, message);
  return message;
}

}  // namespace service
