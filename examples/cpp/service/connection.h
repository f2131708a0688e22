#ifndef SERVICE_CONNECTION_H_
#define SERVICE_CONNECTION_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "sockets.h"

namespace service {

// A client. One thread reads its requests, any may answer them; it lives as long as one of them has it.
class Connection {
 public:
  using Clock = std::chrono::steady_clock;

  // For a client that reads nothing.
  static constexpr std::chrono::milliseconds kPatience{5000};

  explicit Connection(Socket socket) : socket_(std::move(socket)) {}
  ~Connection();

  // Each message that was received is to be answered once.
  bool Receive(std::string& message);

  // Does not wait for the client: what its socket does not take at once goes to a thread that does. Dropped if the
  // client is gone. One for which more waits than a message may have, or that reads nothing for kPatience, is let go
  // of.
  void Answer(const std::string& message);

  // Waits until all that was received is answered, and the client's socket has taken it, or the client is gone.
  void AwaitAnswers();
  void AwaitAnswers(Clock::time_point deadline);

  // Ends Receive, in whatever thread that is. The client is gone then.
  void ShutDown();

 private:
  // These are called with the lock.
  void Send(const std::string& message);
  void LetGo();
  bool IsSettled() const { return gone_ || (unanswered_ == 0 && unsent_.empty()); }

  void Write();

  Socket socket_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t unanswered_ = 0;
  std::deque<std::string> unsent_;  // in pieces; the writer removes them
  std::size_t unsent_bytes_ = 0;
  bool gone_ = false;
  bool ended_ = false;
  std::thread writer_;  // once there was something for it
};

}  // namespace service

#endif  // SERVICE_CONNECTION_H_
