#include "connection.h"

#include <sys/socket.h>

namespace service {

void Connection::Send(const std::string& message) {
  const std::lock_guard lock(sending_);
  // Half a message may have been sent: what followed would not be understood.
  if (!SendMessage(socket_, message)) ShutDown();
}

void Connection::ShutDown() { shutdown(socket_.fd(), SHUT_RDWR); }

}  // namespace service
