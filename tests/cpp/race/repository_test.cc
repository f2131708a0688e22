// A repository that is watched, refreshed, read and closed at once, and versions that fail to load for a while.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "fakes/backend.h"
#include "testing.h"
#include "tftrt/error.h"
#include "tftrt/model_repository.h"

namespace tftrt {
namespace {

using Clock = std::chrono::steady_clock;

class FakeRepository : public testing::Test {
 protected:
  FakeRepository() {
    options_.poll_interval = std::chrono::milliseconds(1);
    options_.watch = false;
  }
  ~FakeRepository() override {
    FakeBackend::Get().set_on_load(nullptr);
    FakeBackend::Get().on_run = nullptr;
  }

  void Add(int version) const { std::filesystem::create_directories(folder_.path() / std::to_string(version)); }
  void Touch(int version) const {
    std::ofstream(folder_.path() / std::to_string(version) / "saved_model.pb") << "changed";
  }
  ModelRepository Open() const { return ModelRepository::Open(folder_.path().string(), options_); }

  // Loading version 2 throws `error` from now on.
  template <typename Error>
  static void Fail(const Error& error) {
    FakeBackend::Get().set_on_load([error](const std::string& path) {
      if (path.substr(path.rfind('/')) == "/2") throw error;
    });
  }
  static void FailNoMore() { FakeBackend::Get().set_on_load(nullptr); }

  TemporaryFolder folder_;
  RepositoryOptions options_;
};

using RepositoryRace = FakeRepository;

TEST_F(RepositoryRace, ReadersAreServedWhileVersionsComeAndItIsRefreshedAndClosed) {
  constexpr int kVersions = 30;
  std::atomic<int> served{0};
  options_.on_event = [&](const RepositoryEvent& event) { served += event.kind == RepositoryEventKind::kServing; };
  options_.watch = true;
  Add(1);
  ModelRepository repository = Open();
  std::atomic<int> wrong{0};
  std::atomic<int> readings{0};
  std::vector<std::thread> threads;
  const auto until_closed = [&](auto step) {
    threads.emplace_back([copy = repository, step]() mutable {
      try {
        while (true) step(copy);
      } catch (const InvalidArgumentError& error) {
        ExpectContains(error.what(), "is closed");
      }
    });
  };
  for (int i = 0; i < 4; ++i) {
    until_closed([&](const ModelRepository& copy) {
      const VersionedModel current = copy.current();
      if (FakeRun(current.model, 1) != static_cast<float>(current.version) + 1) ++wrong;
      ++readings;
    });
  }
  for (int i = 0; i < 2; ++i) until_closed([](ModelRepository& copy) { copy.Refresh(); });
  until_closed([&](const ModelRepository& copy) {
    int serving = 0;
    for (const VersionStatus& status : copy.versions()) serving += status.state == VersionState::kServing;
    if (serving > 1) ++wrong;
    copy.current();
  });
  for (int version = 2; version <= kVersions; ++version) {
    Add(version);
    const int before = readings;
    while (served != version || readings < before + 10) std::this_thread::yield();
  }
  std::thread other([copy = repository]() mutable { copy.Close(); });
  repository.Close();
  other.join();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(served, kVersions);
  EXPECT_EQ(repository.version(), kVersions);
  EXPECT_EQ(FakeBackend::Get().models, 0);
}

using PassingErrors = FakeRepository;

TEST_F(PassingErrors, RefreshTriesAgain) {
  Add(1);
  ModelRepository repository = Open();
  Add(2);
  const auto expect_passes = [&](const auto& error) {
    Fail(error);
    repository.Refresh();
    EXPECT_EQ(repository.versions()[0].state, VersionState::kBroken);
    EXPECT_EQ(repository.versions()[0].error, error.what());
    const int loads = FakeBackend::Get().loads;
    repository.Refresh();
    EXPECT_EQ(FakeBackend::Get().loads, loads + 1);
    EXPECT_EQ(repository.version(), 1);
  };
  expect_passes(std::bad_alloc());
  expect_passes(ResourceExhaustedError("the GPU is full"));
  expect_passes(InternalError("a hiccup"));
  FailNoMore();
  repository.Refresh();
  EXPECT_EQ(repository.version(), 2);
  EXPECT_EQ(repository.versions()[0].error, "");
}

TEST_F(PassingErrors, OfWarmUpToo) {
  bool fails = true;
  options_.warm_up = [&](const Model& model) {
    if (FakeRun(model, 0) == 2 && fails) throw std::bad_alloc();
  };
  Add(1);
  ModelRepository repository = Open();
  Add(2);
  repository.Refresh();
  EXPECT_EQ(repository.version(), 1);
  fails = false;
  repository.Refresh();
  EXPECT_EQ(repository.version(), 2);
}

TEST_F(PassingErrors, OfTheCallsThatLoadWarmsUpWithToo) {
  options_.model.warmup = 1;
  Add(1);
  ModelRepository repository = Open();
  Add(2);
  FakeBackend::Get().on_run = [](float version) {
    if (version == 2) throw InternalError("the GPU is full");
  };
  repository.Refresh();
  EXPECT_EQ(repository.version(), 1);
  ExpectContains(repository.versions()[0].error, "the warm-up call failed");
  ExpectContains(repository.versions()[0].error, "the GPU is full");
  FakeBackend::Get().on_run = nullptr;
  repository.Refresh();
  EXPECT_EQ(repository.version(), 2);

  FakeBackend::Get().on_run = [](float version) {
    if (version == 3) throw InvalidArgumentError("zeros will not do");
  };
  Add(3);
  repository.Refresh();
  FakeBackend::Get().on_run = nullptr;
  repository.Refresh();
  EXPECT_EQ(repository.version(), 2);
  ExpectContains(repository.versions()[0].error, "zeros will not do");
}

TEST_F(PassingErrors, OthersAreNotTriedAgainUntilTheFilesChange) {
  Fail(ModelError("damaged"));
  Add(1);
  Add(2);
  ModelRepository repository = Open();
  const int loads = FakeBackend::Get().loads;
  FailNoMore();
  repository.Refresh();
  EXPECT_EQ(FakeBackend::Get().loads, loads);
  EXPECT_EQ(repository.version(), 1);
  Touch(2);
  repository.Refresh();
  EXPECT_EQ(repository.version(), 2);
}

TEST_F(PassingErrors, TheWatchingThreadTriesAgainAfterPausesThatGrow) {
  Fail(std::bad_alloc());
  options_.watch = true;
  Add(1);
  Add(2);
  const auto begin = Clock::now();
  ModelRepository repository = Open();
  const int loads = FakeBackend::Get().loads;
  while (FakeBackend::Get().loads == loads) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_GE(Clock::now() - begin, std::chrono::seconds(1));
  FailNoMore();
  while (repository.version() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_GE(Clock::now() - begin, std::chrono::seconds(3));
  EXPECT_EQ(FakeBackend::Get().loads, loads + 2);
}

}  // namespace
}  // namespace tftrt
