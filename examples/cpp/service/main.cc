#include <pthread.h>
#include <tftrt/tftrt.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <future>
#include <map>
#include <string>

#include "server.h"
#include "warm_runners.h"
#include "worker.h"

namespace {

constexpr char kUsage[] = R"(Answers requests with the newest version of a model, over a socket.

usage: service --models DIR [--listen ADDRESS] [--workers N] [--queue N] [--poll_ms N] [--grace_ms N]
               [--max_wait_ms N] [--warmup N] [--device D] [--instances N]

  --models DIR      versions of a SavedModel: DIR/1, DIR/2, ...
  --listen ADDRESS  HOST:PORT (default 127.0.0.1:0, a free port) or unix:PATH
  --workers N       requests that are worked on at the same time (default 4)
  --queue N         requests that may wait; more are turned away (default 256)
  --poll_ms N       how often DIR is looked at for a new version (default 1000)
  --grace_ms N      after SIGTERM, how long clients may take to go (default 5000)
  --max_wait_ms N   requests that waited longer are answered "late", not worked on (default 10000)
  --warmup N        calls with zeros, of size 1 where a size is unknown, before a version serves (default 2). 0 for
                    models that cannot compute that; the first requests are then slower
  --device D        auto, cpu or gpu:N (default auto)
  --instances N     requests that run on the GPU at the same time (default: as many as workers)

Prints "ready at ADDRESS" when the model is loaded and warm; the first request of each shape is still slower. Of a new
version, each worker has calls bound to the last 16 combinations of shapes that were served, and they have run twice,
before it serves. A version whose inputs or outputs are not those of the first does not serve.

SIGTERM and SIGINT stop it: before "ready" at once, then when all that was accepted is answered, or late, and a version
that is being loaded is loaded.
)";

using Options = std::map<std::string, std::string>;

int Number(const Options& options, const std::string& name, int least = 1) {
  const std::string& text = options.at(name);
  std::size_t used = 0;
  int value = least - 1;
  try {
    value = std::stoi(text, &used);
  } catch (const std::exception&) {
  }
  if (used != text.size() || value < least) {
    throw tftrt::InvalidArgumentError("--" + name + " is \"" + text + "\"; expected a number from " +
                                      std::to_string(least) + " on");
  }
  return value;
}

Options Parse(int argc, char** argv) {
  Options options = {{"models", ""},      {"listen", "127.0.0.1:0"}, {"workers", "4"},         {"queue", "256"},
                     {"poll_ms", "1000"}, {"grace_ms", "5000"},      {"max_wait_ms", "10000"}, {"warmup", "2"},
                     {"device", "auto"},  {"instances", ""}};
  for (int i = 1; i < argc; i += 2) {
    const std::string flag = argv[i];
    const auto option = flag.rfind("--", 0) == 0 ? options.find(flag.substr(2)) : options.end();
    if (option == options.end() || i + 1 == argc) {
      throw tftrt::InvalidArgumentError("\"" + flag + "\" is no flag or has no value; see --help");
    }
    option->second = argv[i + 1];
  }
  if (options["models"].empty()) throw tftrt::InvalidArgumentError("--models is missing; see --help");
  if (options["instances"].empty()) options["instances"] = options["workers"];
  return options;
}

tftrt::ModelRepository OpenRepository(const Options& options, service::WarmRunners& warm) {
  tftrt::RepositoryOptions repository;
  repository.model.device = options.at("device");
  repository.model.instances = Number(options, "instances");
  repository.model.warmup = Number(options, "warmup", 0);
  repository.poll_interval = std::chrono::milliseconds(Number(options, "poll_ms"));
  // Inputs and outputs go by their order: a version with others would be misunderstood.
  repository.warm_up = [&warm, expected = std::string()](const tftrt::Model& model) mutable {
    service::CheckModel(model, expected);
    expected = service::Describe(model);
    warm.Prepare(model);
  };
  repository.on_event = [](const tftrt::RepositoryEvent& event) {
    std::fprintf(stderr, "%s\n", event.message.c_str());
  };
  return tftrt::ModelRepository::Open(options.at("models"), repository);
}

// Ends the program if a signal comes before the result: what is being loaded cannot be interrupted.
tftrt::ModelRepository AwaitUnlessStopped(std::future<tftrt::ModelRepository> loading, const sigset_t& signals) {
  constexpr std::timespec kPause{0, 20'000'000};
  while (loading.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    if (sigtimedwait(&signals, nullptr, &kPause) > 0) std::_Exit(0);
  }
  return loading.get();
}

int Serve(const Options& options) {
  // Before there is a thread: all of them leave these signals to sigwait below.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  service::ServerOptions server_options;
  server_options.address = options.at("listen");
  server_options.workers = Number(options, "workers");
  server_options.queue = Number(options, "queue");
  const std::chrono::milliseconds grace(Number(options, "grace_ms"));
  server_options.max_wait = std::chrono::milliseconds(Number(options, "max_wait_ms"));

  service::WarmRunners warm(server_options.workers);
  const tftrt::ModelRepository repository =
      AwaitUnlessStopped(std::async(std::launch::async, [&] { return OpenRepository(options, warm); }), signals);
  service::Server server(repository, warm, server_options);
  std::printf("ready at %s\n", server.address().c_str());
  std::fflush(stdout);

  int signal = 0;
  sigwait(&signals, &signal);
  server.Stop(grace);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--help") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  try {
    return Serve(Parse(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "service: %s\n", error.what());
    return 1;
  }
}
