#ifndef SERVICE_SOCKETS_H_
#define SERVICE_SOCKETS_H_

#include <chrono>
#include <string>

namespace service {

// Owns a file descriptor.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  int fd() const { return fd_; }

 private:
  int fd_;
};

// `address` is "unix:PATH" or "HOST:PORT", a port of 0 being any that is free. Both throw std::system_error, or
// std::invalid_argument for what is no address. A socket file that nobody listens at is taken over.
Socket Listen(const std::string& address);
Socket Connect(const std::string& address);

// The address of a listening socket, with its real port.
std::string AddressOf(const Socket& listener, const std::string& address);

// Reads or writes whole messages (protocol.h). False if the other side has closed, sends what is too long, or has not
// read the message after `patience`.
bool ReceiveMessage(const Socket& socket, std::string& message);
bool SendMessage(const Socket& socket, const std::string& message, std::chrono::milliseconds patience);

}  // namespace service

#endif  // SERVICE_SOCKETS_H_
