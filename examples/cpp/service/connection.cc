#include "connection.h"

#include <sys/socket.h>

#include <exception>

#include "protocol.h"

namespace service {

Connection::~Connection() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  if (writer_.joinable()) writer_.join();
}

bool Connection::Receive(std::string& message) {
  if (!ReceiveMessage(socket_, message)) return false;
  const std::lock_guard lock(mutex_);
  ++unanswered_;
  return true;
}

void Connection::Answer(const std::string& message) {
  {
    const std::lock_guard lock(mutex_);
    --unanswered_;
    try {
      if (!gone_) Send(message);
    } catch (const std::exception&) {  // no memory or no thread for what waits
      LetGo();
    }
  }
  changed_.notify_all();
}

void Connection::Send(const std::string& message) {
  std::string rest;
  if (!unsent_.empty()) {
    rest = Framed(message);
  } else if (!SendAtOnce(socket_, message, rest)) {
    return LetGo();
  }
  if (rest.empty()) return;
  if (!unsent_.empty() && unsent_bytes_ + rest.size() > kLargestMessage) return LetGo();
  unsent_bytes_ += rest.size();
  unsent_.push_back(std::move(rest));
  if (!writer_.joinable()) writer_ = std::thread([this] { Write(); });
}

void Connection::AwaitAnswers() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return IsSettled(); });
}

void Connection::AwaitAnswers(Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline, [&] { return IsSettled(); });
}

void Connection::ShutDown() {
  {
    const std::lock_guard lock(mutex_);
    LetGo();
  }
  changed_.notify_all();
}

void Connection::LetGo() {
  gone_ = true;
  shutdown(socket_.fd(), SHUT_RDWR);
}

void Connection::Write() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ended_ || !unsent_.empty(); });
    if (unsent_.empty()) return;
    const std::string& piece = unsent_.front();  // stays where it is when others are added
    lock.unlock();
    const bool sent = SendAll(socket_, piece, kPatience);
    lock.lock();
    unsent_bytes_ -= piece.size();
    unsent_.pop_front();
    if (!sent) {
      // Part of a message may have been sent: what followed would not be understood.
      LetGo();
      unsent_.clear();
      unsent_bytes_ = 0;
    }
    changed_.notify_all();
  }
}

}  // namespace service
