#ifndef SERVICE_SERVER_H_
#define SERVICE_SERVER_H_

#include <tftrt/model_repository.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bounded_queue.h"
#include "connection.h"
#include "sockets.h"
#include "warm_runners.h"
#include "worker.h"

namespace service {

struct ServerOptions {
  std::string address = "127.0.0.1:0";
  int workers = 4;        // requests that are worked on at the same time
  int queue = 256;        // requests that may wait; more are answered kBusy
  int connections = 256;  // more are closed at once

  // Requests that waited longer are answered kLate.
  std::chrono::milliseconds max_wait{10000};
};

// A thread for each connection reads requests, a pool of workers answers them.
class Server {
 public:
  // Listens from now on. Throws what Listen does. `warm` has to live longer.
  Server(tftrt::ModelRepository repository, WarmRunners& warm, const ServerOptions& options);

  // Stops at once if Stop was not called.
  ~Server();

  // With its real port.
  const std::string& address() const { return address_; }

  // Accepts no more connections, answers what was accepted, and answers kUnavailable to what still comes, until all
  // clients are gone. When `grace` is over and all that was accepted is answered, the others are let go of.
  void Stop(std::chrono::milliseconds grace);

 private:
  struct Client {
    std::shared_ptr<Connection> connection;  // null when the client is gone
    std::thread reader;
  };

  void Accept();
  void Read(Client& client);
  void ReadRequests(const std::shared_ptr<Connection>& connection);
  void JoinGone();

  const ServerOptions options_;
  Socket listener_;
  std::string address_;
  BoundedQueue<Job> queue_;
  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable client_gone_;
  std::list<Client> clients_;
  std::atomic<bool> stopping_{false};
  std::thread acceptor_;
};

}  // namespace service

#endif  // SERVICE_SERVER_H_
