#ifndef SERVICE_CONNECTION_H_
#define SERVICE_CONNECTION_H_

#include <mutex>
#include <string>
#include <utility>

#include "sockets.h"

namespace service {

// A client. One thread reads its requests, any may answer them; it lives as long as one of them has it.
class Connection {
 public:
  explicit Connection(Socket socket) : socket_(std::move(socket)) {}

  bool Receive(std::string& message) { return ReceiveMessage(socket_, message); }

  // What cannot be sent is dropped: the client is gone.
  void Send(const std::string& message);

  // Ends Receive, in whatever thread that is.
  void ShutDown();

 private:
  Socket socket_;
  std::mutex sending_;
};

}  // namespace service

#endif  // SERVICE_CONNECTION_H_
