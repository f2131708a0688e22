#ifndef SERVICE_PROTOCOL_H_
#define SERVICE_PROTOCOL_H_

#include <tftrt/tftrt.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What goes over the socket. All numbers are little-endian. A message is its length (4 bytes) and as many bytes more:
//
//   request   id (8), kind (1); kind 1 then has each input of the signature, in the order of the status' answer:
//   answer    id (8), status (1), version (8); status 0 then has each output likewise, any other a text
//   tensor    number of dimensions (1), dimensions (8 each), elements row by row
//
// Answers come as they are ready, which need not be the order of the requests: the id says whose they are.
namespace service {

enum class Kind : std::uint8_t {
  kStatus = 0,  // the signature, as text: "ready\ninput image float32[?, 224, 224, 3]\n...", with status kOk
  kRun = 1,
};

enum class Status : std::uint8_t {
  kOk = 0,
  kInvalid = 1,      // the request does not fit the signature
  kBusy = 2,         // too many requests are waiting: try again later
  kUnavailable = 3,  // the service is stopping: try another one
  kFailed = 4,
  kLate = 5,  // it waited too long, and was not worked on
};

// A longer message is refused, and its connection closed.
inline constexpr std::size_t kLargestMessage = std::size_t{64} << 20;

struct Request {
  std::uint64_t id = 0;
  Kind kind = Kind::kStatus;
  std::string_view inputs;  // the encoded tensors, in the message that was parsed
};

// False if it is no request.
bool ParseRequest(std::string_view message, Request& request);

// One encoded tensor. `elements` lies where the message does.
struct TensorView {
  tftrt::Shape shape;
  std::string_view elements;
};

// Takes as many tensors as there are `dtypes` from the text. False if it is not exactly that.
bool ParseTensors(std::string_view text, const std::vector<tftrt::DType>& dtypes, std::vector<TensorView>& tensors);

void AppendNumber(std::uint64_t number, int bytes, std::string& message);
void AppendTensor(const tftrt::Tensor& tensor, std::string& message);

// The begin of an answer, without the length, which goes before it.
std::string BeginAnswer(std::uint64_t id, Status status, std::int64_t version);

}  // namespace service

#endif  // SERVICE_PROTOCOL_H_
