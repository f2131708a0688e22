#include <pthread.h>
#include <tftrt/tftrt.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include "server.h"
#include "worker.h"

namespace {

constexpr char kUsage[] = R"(Answers requests with the newest version of a model, over a socket.

usage: service --models DIR [--listen ADDRESS] [--workers N] [--queue N] [--poll_ms N] [--grace_ms N] [--device D]
               [--instances N]

  --models DIR      versions of a SavedModel: DIR/1, DIR/2, ...
  --listen ADDRESS  HOST:PORT (default 127.0.0.1:0, a free port) or unix:PATH
  --workers N       requests that are worked on at the same time (default 4)
  --queue N         requests that may wait; more are turned away (default 256)
  --poll_ms N       how often DIR is looked at for a new version (default 1000)
  --grace_ms N      after SIGTERM, how long clients may take to go (default 5000)
  --device D        auto, cpu or gpu:N (default auto)
  --instances N     requests that run on the GPU at the same time (default: as many as workers)

Prints "ready at ADDRESS" when the model is loaded and warm. SIGTERM and SIGINT stop it, from then on: what was accepted
is answered. A version whose inputs or outputs are not those of the first does not serve.
)";

using Options = std::map<std::string, std::string>;

int Number(const Options& options, const std::string& name) {
  const std::string& text = options.at(name);
  std::size_t used = 0;
  int value = -1;
  try {
    value = std::stoi(text, &used);
  } catch (const std::exception&) {
  }
  if (used != text.size() || value < 1) {
    throw tftrt::InvalidArgumentError("--" + name + " is \"" + text + "\"; expected a number from 1 on");
  }
  return value;
}

Options Parse(int argc, char** argv) {
  Options options = {{"models", ""},      {"listen", "127.0.0.1:0"}, {"workers", "4"},   {"queue", "256"},
                     {"poll_ms", "1000"}, {"grace_ms", "5000"},      {"device", "auto"}, {"instances", ""}};
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

tftrt::ModelRepository OpenRepository(const Options& options) {
  tftrt::RepositoryOptions repository;
  repository.model.device = options.at("device");
  repository.model.instances = Number(options, "instances");
  repository.poll_interval = std::chrono::milliseconds(Number(options, "poll_ms"));
  // Inputs and outputs go by their order: a version with others would be misunderstood.
  repository.warm_up = [expected = std::string()](const tftrt::Model& model) mutable {
    service::CheckModel(model, expected);
    expected = service::Describe(model);
  };
  repository.on_event = [](const tftrt::RepositoryEvent& event) {
    std::fprintf(stderr, "%s\n", event.message.c_str());
  };
  return tftrt::ModelRepository::Open(options.at("models"), repository);
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
  const tftrt::ModelRepository repository = OpenRepository(options);
  service::Server server(repository, server_options);
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
