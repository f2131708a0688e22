#include "sockets.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "protocol.h"

namespace service {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr int kBacklog = 128;
// Memory for a message is taken as it comes, not as it is announced.
constexpr std::size_t kPiece = std::size_t{1} << 20;

[[noreturn]] void Fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

bool IsUnix(const std::string& address) { return address.rfind(kUnix, 0) == 0; }

sockaddr_un UnixAddress(const std::string& address) {
  const std::string path = address.substr(kUnix.size());
  sockaddr_un result{};
  result.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(result.sun_path)) {
    throw std::invalid_argument("a socket's path has 1 to 107 characters, not \"" + path + "\"");
  }
  std::memcpy(result.sun_path, path.data(), path.size());
  return result;
}

bool IsSocketFile(const char* path) {
  struct stat status{};
  return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

AddressList TcpAddress(const std::string& address, int flags) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    throw std::invalid_argument("\"" + address + "\" is no address; expected HOST:PORT or unix:PATH");
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.substr(0, colon).c_str(), address.substr(colon + 1).c_str(), &hints, &found);
  if (error != 0) throw std::invalid_argument(address + ": " + gai_strerror(error));
  return {found, &freeaddrinfo};
}

Socket Open(int family) {
  Socket socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) Fail("socket");
  return socket;
}

bool ReadAll(const Socket& socket, void* data, std::size_t size) {
  auto* next = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t got = recv(socket.fd(), next, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    next += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

using Clock = std::chrono::steady_clock;

// Whether the socket takes more before the deadline.
bool WaitToSend(const Socket& socket, Clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    pollfd state{socket.fd(), POLLOUT, 0};
    const int ready = poll(&state, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

}  // namespace

Socket::Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

Socket Listen(const std::string& address) {
  if (IsUnix(address)) {
    const sockaddr_un where = UnixAddress(address);
    Socket socket = Open(AF_UNIX);
    const auto* target = reinterpret_cast<const sockaddr*>(&where);
    if (bind(socket.fd(), target, sizeof(where)) != 0) {
      if (errno != EADDRINUSE) Fail(address);
      if (connect(Open(AF_UNIX).fd(), target, sizeof(where)) == 0) {
        throw std::invalid_argument("somebody listens at " + address);
      }
      if (errno != ECONNREFUSED || !IsSocketFile(where.sun_path)) {
        throw std::invalid_argument(address + " is there already, and is no socket that was left behind");
      }
      unlink(where.sun_path);
      if (bind(socket.fd(), target, sizeof(where)) != 0) Fail(address);
    }
    if (listen(socket.fd(), kBacklog) != 0) Fail(address);
    return socket;
  }
  const AddressList where = TcpAddress(address, AI_PASSIVE);
  Socket socket = Open(where->ai_family);
  const int on = 1;
  setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(socket.fd(), where->ai_addr, where->ai_addrlen) != 0 || listen(socket.fd(), kBacklog) != 0) Fail(address);
  return socket;
}

std::string AddressOf(const Socket& listener, const std::string& address) {
  if (IsUnix(address)) return address;
  sockaddr_storage where{};
  socklen_t size = sizeof(where);
  if (getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&where), &size) != 0) Fail(address);
  const in_port_t port = where.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(where).sin6_port
                                                     : reinterpret_cast<const sockaddr_in&>(where).sin_port;
  return address.substr(0, address.rfind(':') + 1) + std::to_string(ntohs(port));
}

bool ReceiveMessage(const Socket& socket, std::string& message) {
  unsigned char prefix[4];
  if (!ReadAll(socket, prefix, sizeof(prefix))) return false;
  std::size_t size = 0;
  for (int i = 0; i < 4; ++i) size |= std::size_t{prefix[i]} << (8 * i);
  if (size > kLargestMessage) return false;
  message.clear();
  while (message.size() < size) {
    const std::size_t begin = message.size(), piece = std::min(size - begin, kPiece);
    message.resize(begin + piece);
    if (!ReadAll(socket, message.data() + begin, piece)) return false;
  }
  return true;
}

std::string Framed(const std::string& message) {
  std::string framed;
  framed.reserve(4 + message.size());
  AppendNumber(message.size(), 4, framed);
  return framed += message;
}

bool SendAtOnce(const Socket& socket, const std::string& message, std::string& rest) {
  std::string length;
  AppendNumber(message.size(), 4, length);
  iovec parts[] = {{length.data(), length.size()}, {const_cast<char*>(message.data()), message.size()}};
  msghdr framed{};
  framed.msg_iov = parts;
  framed.msg_iovlen = std::size(parts);
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket.fd(), &framed, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return false;
  const auto taken = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
  rest.clear();
  if (taken < length.size() + message.size()) rest = Framed(message).erase(0, taken);
  return true;
}

bool SendAll(const Socket& socket, std::string_view bytes, std::chrono::milliseconds patience) {
  Clock::time_point deadline = Clock::now() + patience;
  while (!bytes.empty()) {
    const ssize_t sent = send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      deadline = Clock::now() + patience;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!WaitToSend(socket, deadline)) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace service
