#include "connection.h"

#include <sys/socket.h>

#include <chrono>

namespace service {
namespace {

// A client that does not read for so long is let go of: it holds up a worker.
constexpr std::chrono::milliseconds kPatience{5000};

}  // namespace

void Connection::Send(const std::string& message) {
  const std::lock_guard lock(sending_);
  // Half a message may have been sent: what followed would not be understood.
  if (!SendMessage(socket_, message, kPatience)) ShutDown();
}

void Connection::ShutDown() { shutdown(socket_.fd(), SHUT_RDWR); }

}  // namespace service
