#ifndef SERVICE_SOCKETS_H_
#define SERVICE_SOCKETS_H_

#include <chrono>
#include <string>
#include <string_view>

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

// `address` is "unix:PATH" or "HOST:PORT", a port of 0 being any that is free. Throws std::system_error, or
// std::invalid_argument for what is no address. A socket file that nobody listens at is taken over.
Socket Listen(const std::string& address);

// The address of a listening socket, with its real port.
std::string AddressOf(const Socket& listener, const std::string& address);

// Reads a whole message (protocol.h). False if the other side has closed, or sends what is too long.
bool ReceiveMessage(const Socket& socket, std::string& message);

// A message with its length before it.
std::string Framed(const std::string& message);

// Sends of the framed message what the socket takes without a wait; `rest` is what is left. False if the other side is
// gone.
bool SendAtOnce(const Socket& socket, const std::string& message, std::string& rest);

// False if the other side is gone, or reads nothing for so long.
bool SendAll(const Socket& socket, std::string_view bytes, std::chrono::milliseconds patience);

}  // namespace service

#endif  // SERVICE_SOCKETS_H_
