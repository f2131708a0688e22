#include "server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <iterator>
#include <new>
#include <utility>

#include "protocol.h"

namespace service {
namespace {

// Where there are no more file descriptors or memory, asking again at once would only burn time.
constexpr std::chrono::milliseconds kAfterFailure{50};

}  // namespace

Server::Server(tftrt::ModelRepository repository, WarmRunners& warm, const ServerOptions& options)
    : options_(options),
      listener_(Listen(options.address)),
      address_(AddressOf(listener_, options.address)),
      queue_(static_cast<std::size_t>(options.queue)) {
  try {
    for (int i = 0; i < options.workers; ++i) {
      workers_.emplace_back(
          [this, worker = Worker(repository, warm, options.max_wait)]() mutable { worker.Work(queue_); });
    }
    acceptor_ = std::thread([this] { Accept(); });
  } catch (const std::exception&) {
    queue_.Close();
    for (std::thread& worker : workers_) worker.join();
    throw;
  }
}

Server::~Server() { Stop(std::chrono::milliseconds(0)); }

void Server::Stop(std::chrono::milliseconds grace) {
  if (stopping_.exchange(true)) return;
  const auto deadline = std::chrono::steady_clock::now() + grace;
  shutdown(listener_.fd(), SHUT_RDWR);
  acceptor_.join();
  queue_.Close();

  // Clients are to go first: a connection that is closed with requests unread loses answers on their way.
  std::unique_lock lock(mutex_);
  client_gone_.wait_until(lock, deadline, [&] {
    return std::all_of(clients_.begin(), clients_.end(), [](const Client& client) { return !client.connection; });
  });
  lock.unlock();
  for (std::thread& worker : workers_) worker.join();
  std::vector<std::shared_ptr<Connection>> left;
  lock.lock();
  for (const Client& client : clients_) {
    if (client.connection != nullptr) left.push_back(client.connection);
  }
  lock.unlock();
  const auto last = std::chrono::steady_clock::now() + Connection::kPatience;
  for (const auto& connection : left) {
    connection->AwaitAnswers(last);
    connection->ShutDown();
  }
  left.clear();
  for (Client& client : clients_) client.reader.join();
}

void Server::Accept() {
  while (true) {
    Socket socket(accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    const int error = errno;
    JoinGone();
    if (socket.fd() < 0) {
      // Without a free file descriptor, accept4 does not come to see that the listener is shut down.
      if (error == EINVAL || stopping_) return;
      if (error != EINTR && error != ECONNABORTED) std::this_thread::sleep_for(kAfterFailure);
      continue;
    }
    const int on = 1;
    setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const std::lock_guard lock(mutex_);
    if (clients_.size() >= static_cast<std::size_t>(options_.connections)) continue;
    Client& client = clients_.emplace_back();
    try {
      client.connection = std::make_shared<Connection>(std::move(socket));
      client.reader = std::thread([this, &client] { Read(client); });
    } catch (const std::exception&) {  // no memory or no thread for one client more
      clients_.pop_back();
    }
  }
}

void Server::Read(Client& client) {
  try {
    ReadRequests(client.connection);
    client.connection->AwaitAnswers();
  } catch (const std::bad_alloc&) {  // for what this client sends
    client.connection->ShutDown();
  }
  const std::lock_guard lock(mutex_);
  client.connection.reset();
  client_gone_.notify_all();
}

void Server::ReadRequests(const std::shared_ptr<Connection>& connection) {
  using Outcome = BoundedQueue<Job>::Outcome;
  for (std::string message; connection->Receive(message);) {
    Request request;
    ParseRequest(message, request);
    const Outcome outcome = queue_.Push({connection, std::move(message), std::chrono::steady_clock::now()});
    if (outcome == Outcome::kFull) {
      connection->Answer(BeginAnswer(request.id, Status::kBusy, -1) + "too many requests are waiting");
    } else if (outcome == Outcome::kClosed) {
      connection->Answer(BeginAnswer(request.id, Status::kUnavailable, -1) + "the service is stopping");
    }
  }
}

void Server::JoinGone() {
  std::list<Client> gone;
  {
    const std::lock_guard lock(mutex_);
    for (auto client = clients_.begin(); client != clients_.end();) {
      const auto next = std::next(client);
      if (client->connection == nullptr) gone.splice(gone.end(), clients_, client);
      client = next;
    }
  }
  for (Client& client : gone) client.reader.join();
}

}  // namespace service
