// A directory of versions that appear, break and go. Version N of the tests' model adds N.

#include "tftrt/model_repository.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "models.h"
#include "testing.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(30);

std::string Read(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void Write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

std::string AddText(int amount) {
  std::string text = Read(fs::path(ModelPath("add")) / "saved_model.pbtxt");
  const std::string one = "float_val: 1 ";
  return text.replace(text.find(one), one.size(), "float_val: " + std::to_string(amount) + " ");
}

float Added(const Model& model) {
  return model.Run({{"x", Tensor::From<float>({0, 0, 0, 0}, {1, 4})}})[0].data<float>()[0];
}

template <typename Predicate>
bool Eventually(Predicate predicate) {
  const auto end = Clock::now() + kPatience;
  while (!predicate()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

// Holds a callback until it is opened.
class Barrier {
 public:
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  // In the callback.
  void Pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait_for(lock, kPatience, [&] { return open_; });
  }
  void WaitForArrival() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return arrived_ > 0; })) << "nobody came";
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;
  bool open_ = false;
};

using Strings = std::vector<std::string>;

class Repository : public testing::Test {
 protected:
  Repository() {
    options_.model.device = "cpu";
    options_.poll_interval = milliseconds(5);
    options_.watch = false;
    options_.on_event = [this](const RepositoryEvent& event) {
      const std::lock_guard lock(mutex_);
      events_.push_back(event);
    };
  }

  fs::path directory() const { return folder_.path() / "models"; }
  fs::path PathOf(const std::string& name) const { return directory() / name; }

  // All at once, as the documentation advises.
  void Add(const std::string& name, int amount) const {
    Write(folder_.path() / "beside" / "saved_model.pbtxt", AddText(amount));
    fs::create_directories(directory());
    fs::rename(folder_.path() / "beside", PathOf(name));
  }
  void Add(int version) const { Add(std::to_string(version), version); }
  void Break(int version) const {
    Write(PathOf(std::to_string(version)) / "saved_model.pbtxt", AddText(version).substr(0, 500));
  }
  void Remove(int version) const { fs::remove_all(PathOf(std::to_string(version))); }

  ModelRepository Open() const { return ModelRepository::Open(directory().string(), options_); }
  ModelRepository Watch(std::initializer_list<int> versions) {
    for (int version : versions) Add(version);
    options_.watch = true;
    return Open();
  }

  // "serving 2", in order, since the last call.
  std::vector<std::string> Events() {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const RepositoryEvent& event : std::exchange(events_, {})) {
      names.push_back(std::string(Name(event.kind)) + " " + std::to_string(event.version));
      EXPECT_FALSE(event.message.empty());
    }
    return names;
  }
  std::string LastMessage() {
    const std::lock_guard lock(mutex_);
    return events_.empty() ? "" : events_.back().message;
  }

  static std::vector<std::string> States(const ModelRepository& repository) {
    std::vector<std::string> states;
    for (const VersionStatus& status : repository.versions()) {
      states.push_back(std::to_string(status.version) + " " + std::string(Name(status.state)));
    }
    return states;
  }

  static VersionStatus StatusOf(const ModelRepository& repository, std::int64_t version) {
    for (const VersionStatus& status : repository.versions()) {
      if (status.version == version) return status;
    }
    ADD_FAILURE() << "no version " << version;
    return {};
  }

  static void ExpectServes(const ModelRepository& repository, std::int64_t version) {
    EXPECT_EQ(repository.version(), version);
    const VersionedModel current = repository.current();
    EXPECT_EQ(current.version, version);
    EXPECT_EQ(Added(current.model), static_cast<float>(version));
    EXPECT_EQ(Added(repository.model()), static_cast<float>(version));
  }

  // Version 2, which is broken: the events since the last look say so once.
  void ExpectTriedOnceUntilItsFilesChange(ModelRepository& repository) {
    repository.Refresh();
    repository.Refresh();
    EXPECT_EQ(Events(), (Strings{"loading 2", "broken 2"}));
    Write(PathOf("2") / "saved_model.pbtxt", AddText(2));
    repository.Refresh();
    ExpectServes(repository, 2);
  }

  TemporaryFolder folder_;
  RepositoryOptions options_;

 private:
  std::mutex mutex_;
  std::vector<RepositoryEvent> events_;
};

// Opening

using RepositoryOpen = Repository;

TEST_F(RepositoryOpen, LoadsTheNewestAndNothingElse) {
  for (int version : {1, 9, 10}) Add(version);
  const auto before = std::chrono::system_clock::now();
  const ModelRepository repository = Open();
  ExpectServes(repository, 10);
  EXPECT_EQ(States(repository), (Strings{"10 serving", "9 available", "1 available"}));
  EXPECT_EQ(Events(), (Strings{"loading 10", "serving 10"}));
  const VersionStatus status = StatusOf(repository, 10);
  EXPECT_EQ(status.path, PathOf("10"));
  EXPECT_EQ(status.error, "");
  EXPECT_TRUE(status.present);
  EXPECT_GE(status.since, before);
  EXPECT_LE(status.since, std::chrono::system_clock::now());
  EXPECT_GT(status.load_seconds, 0);
  EXPECT_EQ(repository.directory(), directory());
  EXPECT_EQ(repository.problem(), "");
  EXPECT_EQ(repository.model().info().path, PathOf("10"));
}

TEST_F(RepositoryOpen, FallsBackToTheNewestThatIsNotBroken) {
  for (int version : {1, 2}) Add(version);
  Break(3);
  Break(4);
  const ModelRepository repository = Open();
  ExpectServes(repository, 2);
  EXPECT_EQ(States(repository), (Strings{"4 broken", "3 broken", "2 serving", "1 available"}));
  EXPECT_EQ(Events(), (Strings{"loading 4", "broken 4", "loading 3", "broken 3", "loading 2", "serving 2"}));
  ExpectContains(StatusOf(repository, 4).error, PathOf("4").string());
}

TEST_F(RepositoryOpen, SaysWhyForEachVersionIfNoneIsValid) {
  Break(1);
  fs::create_directories(PathOf("2"));
  const std::string message = MessageOf<ModelError>([&] { Open(); });
  ExpectContains(message, directory().string() + "\" has no version that can be loaded:");
  ExpectContains(message, "\n  version 2: ");
  ExpectContains(message, "\n  version 1: ");
  ExpectContains(message, PathOf("2").string());
  EXPECT_LT(message.find("version 2"), message.find("version 1"));
}

TEST_F(RepositoryOpen, SaysWhatIsWrongWithTheDirectory) {
  ExpectContains(MessageOf<ModelError>([&] { Open(); }), "\" does not exist");
  EXPECT_EQ(Events(), Strings{"unreadable -1"});
  Write(directory(), "a file");
  ExpectContains(MessageOf<ModelError>([&] { Open(); }),
                 "is no directory; expected one with a folder for each version");
  fs::remove(directory());
  fs::create_directories(directory());
  const std::string empty = MessageOf<ModelError>([&] { Open(); });
  ExpectContains(empty, "\" is empty; expected a folder for each version");
  ExpectContains(empty, "/1/saved_model.pb");
  Add("latest", 1);
  ExpectContains(MessageOf<ModelError>([&] { Open(); }), "has no version, but \"latest\"; expected");
}

TEST_F(RepositoryOpen, OtherNamesAreIgnored) {
  Add(7);
  for (const char* name : {"-8", "+8", "8 ", " 8", "8.0", "0x9", "v9", "latest", "9e1", "9223372036854775808",
                           "99999999999999999999", ".9", "9.tmp"}) {
    Add(name, 9);
  }
  Write(PathOf("10"), "a file");
  const ModelRepository repository = Open();
  ExpectServes(repository, 7);
  EXPECT_EQ(States(repository), Strings{"7 serving"});
}

TEST_F(RepositoryOpen, NumbersMayBeLargeZeroOrHaveZerosInFront) {
  Add("0", 0);
  ModelRepository repository = Open();
  ExpectServes(repository, 0);
  Add("007", 7);
  repository.Refresh();
  ExpectServes(repository, 7);
  Add("9223372036854775807", 3);
  repository.Refresh();
  EXPECT_EQ(repository.version(), INT64_MAX);
  EXPECT_EQ(Added(repository.model()), 3);
}

TEST_F(RepositoryOpen, TheShorterOfTwoNamesOfANumberIsTaken) {
  Add("0005", 1);
  Add("5", 5);
  Add("05", 2);
  const ModelRepository repository = Open();
  ExpectServes(repository, 5);
  EXPECT_EQ(States(repository), Strings{"5 serving"});
}

TEST_F(RepositoryOpen, FollowsLinks) {
  Write(folder_.path() / "store" / "saved_model.pbtxt", AddText(3));
  fs::create_directories(directory());
  fs::create_directory_symlink(folder_.path() / "store", PathOf("3"));
  fs::create_directory_symlink(folder_.path() / "nothing", PathOf("4"));
  ExpectServes(Open(), 3);
}

TEST_F(RepositoryOpen, IgnoresLinksInACircle) {
  Add(3);
  fs::create_directory_symlink("4", PathOf("4"));
  fs::create_directory_symlink("6", PathOf("5"));
  fs::create_directory_symlink("5", PathOf("6"));
  const ModelRepository repository = Open();
  ExpectServes(repository, 3);
  EXPECT_EQ(States(repository), Strings{"3 serving"});
}

TEST_F(RepositoryOpen, NamesWhatCannotBeRead) {
  Add(3);
  fs::create_directory_symlink(std::string(300, 'a'), PathOf("4"));
  ExpectContains(MessageOf<ModelError>([&] { Open(); }), "cannot be read: " + PathOf("4").string() + ": File name");
}

TEST_F(RepositoryOpen, PassesTheModelsOptions) {
  Add(1);
  options_.model.tags = {"serve", "double"};
  const Model model = Open().model();
  EXPECT_EQ(model.info().tags, (Strings{"serve", "double"}));
  EXPECT_EQ(model.Run({{"x", Tensor::From<float>({4, 4, 4, 4}, {1, 4})}})[0].data<float>()[0], 8);
}

TEST_F(RepositoryOpen, ChecksThePollInterval) {
  Add(1);
  for (milliseconds interval : {milliseconds(0), milliseconds(-1), milliseconds::max()}) {
    options_.poll_interval = interval;
    ExpectContains(MessageOf<InvalidArgumentError>([&] { Open(); }), "expected 1 ms to 1 day");
  }
}

// Changes, looked at by Refresh

using RepositoryRefresh = Repository;

TEST_F(RepositoryRefresh, SwitchesToANewerVersion) {
  Add(1);
  ModelRepository repository = Open();
  Add(3);
  repository.Refresh();
  ExpectServes(repository, 3);
  Add(2);
  repository.Refresh();
  ExpectServes(repository, 3);
  EXPECT_EQ(States(repository), (Strings{"3 serving", "2 available", "1 retired"}));
  EXPECT_EQ(Events(), (Strings{"loading 1", "serving 1", "loading 3", "serving 3", "retired 1"}));
}

TEST_F(RepositoryRefresh, KeepsServingIfTheNewerIsBrokenAndTriesItAgainWhenItChanges) {
  Add(1);
  ModelRepository repository = Open();
  Events();
  Break(2);
  repository.Refresh();
  ExpectServes(repository, 1);
  EXPECT_EQ(States(repository), (Strings{"2 broken", "1 serving"}));
  ExpectContains(LastMessage(), "version 2 is broken: ");
  ExpectContains(LastMessage(), "; version 1 goes on serving");
  ExpectTriedOnceUntilItsFilesChange(repository);
  EXPECT_EQ(StatusOf(repository, 2).error, "");
}

TEST_F(RepositoryRefresh, CopyingWithTheOldTimesIsAChangeToo) {
  Add(1);
  ModelRepository repository = Open();
  const fs::path file = PathOf("2") / "saved_model.pbtxt";
  std::string text = AddText(2);
  std::replace(text.begin(), text.end(), '{', '(');
  Write(file, text);
  const auto time = fs::last_write_time(file);
  repository.Refresh();
  ExpectServes(repository, 1);
  // The clock of file times ticks every few milliseconds.
  std::this_thread::sleep_for(milliseconds(20));
  Write(file, AddText(2));
  fs::last_write_time(file, time);
  repository.Refresh();
  ExpectServes(repository, 2);
}

TEST_F(RepositoryRefresh, AVersionThatIsBeingCopiedInServesWhenItIsWhole) {
  Add(1);
  ModelRepository repository = Open();
  const std::string text = AddText(2);
  fs::create_directories(PathOf("2"));
  for (std::size_t size : {std::size_t{0}, text.size() / 3, text.size() * 2 / 3}) {
    if (size > 0) Write(PathOf("2") / "saved_model.pbtxt", text.substr(0, size));
    repository.Refresh();
    ExpectServes(repository, 1);
    EXPECT_EQ(StatusOf(repository, 2).state, VersionState::kBroken);
  }
  Write(PathOf("2") / "saved_model.pbtxt", text);
  repository.Refresh();
  ExpectServes(repository, 2);
}

TEST_F(RepositoryRefresh, WhatLinksInAVersionLeadToIsSeenToChange) {
  Add(1);
  ModelRepository repository = Open();
  fs::copy(ModelPath("converted"), PathOf("2"), fs::copy_options::recursive);
  const fs::path store = folder_.path() / "store";
  fs::rename(PathOf("2") / "assets.extra", store);
  fs::create_directory_symlink(store, PathOf("2") / "assets.extra");
  const std::string manifest = Read(store / "tftrt.json");
  Write(store / "tftrt.json", manifest.substr(0, manifest.size() / 2));
  repository.Refresh();
  EXPECT_EQ(repository.version(), 1);
  Write(store / "tftrt.json", manifest);
  repository.Refresh();
  EXPECT_EQ(repository.version(), 2);
}

TEST_F(RepositoryRefresh, LinksInCirclesInAVersionAreFollowedOnce) {
  Add(1);
  ModelRepository repository = Open();
  Break(2);
  // Each would double the ways at each step.
  for (const char* name : {"a", "b", "c", "d"}) {
    fs::create_directories(PathOf("2") / name);
    for (const char* link : {"first", "second"}) fs::create_directory_symlink("..", PathOf("2") / name / link);
  }
  fs::create_directory_symlink("itself", PathOf("2") / "itself");
  Events();
  ExpectTriedOnceUntilItsFilesChange(repository);
}

TEST_F(RepositoryRefresh, ChecksumsAreCompared) {
  fs::create_directories(directory());
  fs::copy(ModelPath("converted"), PathOf("1"), fs::copy_options::recursive);
  ModelRepository repository = Open();
  fs::copy(ModelPath("converted"), PathOf("2"), fs::copy_options::recursive);
  Write(PathOf("2") / "saved_model.pbtxt", Read(PathOf("2") / "saved_model.pbtxt") + " ");
  repository.Refresh();
  EXPECT_EQ(repository.version(), 1);
  ExpectContains(StatusOf(repository, 2).error, "saved_model.pbtxt");
}

TEST_F(RepositoryRefresh, DeletingABadVersionRollsBack) {
  Add(1);
  Add(2);
  ModelRepository repository = Open();
  Events();
  Remove(2);
  repository.Refresh();
  ExpectServes(repository, 1);
  EXPECT_EQ(States(repository), Strings{"1 serving"});
  EXPECT_EQ(Events(), (Strings{"loading 1", "serving 1", "retired 2"}));
  // The number is free again.
  Add("2", 5);
  repository.Refresh();
  EXPECT_EQ(repository.version(), 2);
  EXPECT_EQ(Added(repository.model()), 5);
}

TEST_F(RepositoryRefresh, TheLastVersionGoesOnServingWhenItsFolderIsGone) {
  Add(1);
  Add(2);
  ModelRepository repository = Open();
  Remove(1);
  Break(1);
  Remove(2);
  Events();
  repository.Refresh();
  repository.Refresh();
  ExpectServes(repository, 2);
  EXPECT_EQ(States(repository), (Strings{"2 serving", "1 broken"}));
  EXPECT_FALSE(StatusOf(repository, 2).present);
  ExpectContains(LastMessage(), "the folder of version 2 is gone");
  EXPECT_EQ(Events(), (Strings{"loading 1", "broken 1", "removed 2"}));
  Add(3);
  repository.Refresh();
  ExpectServes(repository, 3);
  EXPECT_EQ(States(repository), (Strings{"3 serving", "1 broken"}));
  EXPECT_EQ(Events(), (Strings{"loading 3", "serving 3", "retired 2"}));
}

TEST_F(RepositoryRefresh, WhatServesIsNotLoadedAgainIfItChanges) {
  Add(1);
  ModelRepository repository = Open();
  Write(PathOf("1") / "saved_model.pbtxt", AddText(8));
  repository.Refresh();
  ExpectServes(repository, 1);
  EXPECT_EQ(Events(), (Strings{"loading 1", "serving 1"}));
}

TEST_F(RepositoryRefresh, ADirectoryThatVanishesForAWhileIsReported) {
  Add(1);
  ModelRepository repository = Open();
  Events();
  fs::rename(directory(), folder_.path() / "away");
  repository.Refresh();
  repository.Refresh();
  ExpectServes(repository, 1);
  EXPECT_EQ(States(repository), Strings{"1 serving"});
  ExpectContains(repository.problem(), "does not exist");
  ExpectContains(LastMessage(), "does not exist; version 1 goes on serving");
  Write(directory(), "a file");
  repository.Refresh();
  ExpectContains(repository.problem(), "is no directory");
  fs::remove(directory());
  fs::rename(folder_.path() / "away", directory());
  Add(2);
  repository.Refresh();
  EXPECT_EQ(repository.problem(), "");
  ExpectServes(repository, 2);
  EXPECT_EQ(Events(),
            (Strings{"unreadable -1", "unreadable -1", "readable -1", "loading 2", "serving 2", "retired 1"}));
}

// Requests and memory

using RepositoryRequests = Repository;

std::size_t CountThreads() {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator("/proc/self/task"), {}));
}

TEST_F(RepositoryRequests, KeepTheirVersionWhichTheLastOfThemFrees) {
  Add(1);
  options_.model.executor = "parallel";
  options_.model.inter_op_threads = 5;
  const std::size_t before = CountThreads();
  ModelRepository repository = Open();
  const std::size_t with_one = CountThreads();
  ASSERT_GE(with_one, before + 5);
  std::optional<VersionedModel> request = repository.current();
  Add(2);
  repository.Refresh();
  Remove(1);
  repository.Refresh();
  EXPECT_EQ(request->version, 1);
  EXPECT_EQ(Added(request->model), 1);
  const std::size_t with_two = CountThreads();
  EXPECT_GE(with_two, with_one + 5);
  request.reset();
  EXPECT_TRUE(Eventually([&] { return CountThreads() + 5 <= with_two; }));
  ExpectServes(repository, 2);
  // What nobody has is freed by the switch.
  Add(3);
  repository.Refresh();
  EXPECT_TRUE(Eventually([&] { return CountThreads() + 5 <= with_two; }));
  repository.Close();
  EXPECT_TRUE(Eventually([&] { return CountThreads() + 5 <= with_one; }));
}

TEST_F(RepositoryRequests, NoneFailsOrGetsAnotherVersionsAnswerWhileVersionsChange) {
  ModelRepository repository = Watch({1});
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0, backwards = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, copy = repository] {
      std::int64_t last = 0;
      while (!stop) {
        const VersionedModel current = copy.current();
        try {
          if (Added(current.model) != static_cast<float>(current.version)) ++wrong;
        } catch (const Error&) {
          ++wrong;
        }
        if (current.version < last) ++backwards;
        last = current.version;
      }
    });
  }
  for (int version = 2; version <= 20; ++version) {
    if (version % 5 == 0) {
      Break(version);
      EXPECT_TRUE(Eventually([&] {
        const auto statuses = repository.versions();
        return statuses.front().version == version && statuses.front().state == VersionState::kBroken;
      }));
    } else {
      Add(version);
      EXPECT_TRUE(Eventually([&] { return repository.version() == version; }));
    }
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(backwards, 0);
}

TEST_F(RepositoryRequests, OneThreadNeverSeesOlderThanWhatAnotherSaw) {
  ModelRepository repository = Watch({1});
  std::atomic<std::int64_t> newest = 0;
  std::atomic<bool> stop = false;
  std::atomic<int> older = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        const std::int64_t seen_by_any = newest;
        const std::int64_t version = repository.current().version;
        if (version < seen_by_any) ++older;
        std::int64_t expected = newest;
        while (expected < version && !newest.compare_exchange_weak(expected, version)) continue;
      }
    });
  }
  for (int version = 2; version <= 12; ++version) {
    Add(version);
    EXPECT_TRUE(Eventually([&] { return newest == version; }));
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(older, 0);
}

// Callbacks

using RepositoryCallbacks = Repository;

TEST_F(RepositoryCallbacks, WarmUpComesBeforeTheSwitch) {
  Add(1);
  std::vector<float> warmed;
  std::optional<ModelRepository> repository;
  options_.warm_up = [&](const Model& model) {
    warmed.push_back(Added(model));
    if (!repository) return;
    ExpectServes(*repository, 1);
    EXPECT_EQ(States(*repository), (Strings{"2 loading", "1 serving"}));
    EXPECT_EQ(repository->problem(), "");
  };
  repository = Open();
  Add(2);
  repository->Refresh();
  EXPECT_EQ(warmed, (std::vector<float>{1, 2}));
  ExpectServes(*repository, 2);
}

TEST_F(RepositoryCallbacks, AVersionWhoseWarmUpThrowsIsBroken) {
  for (int version : {1, 2, 3}) Add(version);
  options_.warm_up = [](const Model& model) {
    if (Added(model) == 3) throw std::runtime_error("three is too much");
    if (Added(model) == 2) throw 2;
  };
  const ModelRepository repository = Open();
  ExpectServes(repository, 1);
  EXPECT_EQ(StatusOf(repository, 3).error, "warm_up failed: three is too much");
  ExpectContains(StatusOf(repository, 2).error, "no std::exception");
}

TEST_F(RepositoryCallbacks, ACancelledWarmUpSaysNothingAboutTheVersion) {
  Add(1);
  bool cancels = false;
  options_.warm_up = [&](const Model&) {
    if (cancels) throw CancelledError("not now");
  };
  ModelRepository repository = Open();
  Add(2);
  Add(3);
  Events();
  cancels = true;
  EXPECT_EQ(MessageOf<CancelledError>([&] { repository.Refresh(); }), "not now");
  ExpectServes(repository, 1);
  EXPECT_EQ(States(repository), (Strings{"3 available", "2 available", "1 serving"}));
  EXPECT_EQ(StatusOf(repository, 3).error, "");
  EXPECT_EQ(MessageOf<CancelledError>([&] { Open(); }), "not now");
  EXPECT_EQ(Events(), (Strings{"loading 3", "loading 3"}));
  cancels = false;
  repository.Refresh();
  ExpectServes(repository, 3);
}

TEST_F(RepositoryCallbacks, ACancelledListenerEndsTheLook) {
  Add(1);
  std::string cancelled;
  options_.on_event = [&](const RepositoryEvent& event) {
    if (std::string(Name(event.kind)) + " " + std::to_string(event.version) == cancelled) throw CancelledError("no");
  };
  ModelRepository repository = Open();
  Add(2);
  Break(3);
  cancelled = "loading 3";
  EXPECT_EQ(MessageOf<CancelledError>([&] { repository.Refresh(); }), "no");
  EXPECT_EQ(States(repository), (Strings{"3 available", "2 available", "1 serving"}));
  cancelled = "broken 3";
  EXPECT_EQ(MessageOf<CancelledError>([&] { repository.Refresh(); }), "no");
  EXPECT_EQ(States(repository), (Strings{"3 broken", "2 available", "1 serving"}));
  cancelled = "serving 2";
  EXPECT_EQ(MessageOf<CancelledError>([&] { repository.Refresh(); }), "no");
  ExpectServes(repository, 2);
  EXPECT_EQ(States(repository), (Strings{"3 broken", "2 serving", "1 retired"}));
}

TEST_F(RepositoryCallbacks, AfterACancelledSwitchARemovedFolderIsTold) {
  Add(1);
  std::string last;
  options_.on_event = [&](const RepositoryEvent& event) {
    last = std::string(Name(event.kind)) + " " + std::to_string(event.version);
    if (last == "serving 2") throw CancelledError("no");
  };
  ModelRepository repository = Open();
  Remove(1);
  repository.Refresh();
  EXPECT_EQ(last, "removed 1");
  Add(2);
  EXPECT_THROW(repository.Refresh(), CancelledError);
  Remove(2);
  repository.Refresh();
  EXPECT_EQ(last, "removed 2");
}

TEST_F(RepositoryCallbacks, TheWatchingThreadTriesAgainWhatWasCancelled) {
  std::atomic<int> tries = 0;
  options_.warm_up = [&](const Model& model) {
    if (Added(model) == 2 && ++tries < 3) throw CancelledError("not now");
  };
  ModelRepository repository = Watch({1});
  Add(2);
  EXPECT_TRUE(Eventually([&] { return repository.version() == 2; }));
  EXPECT_EQ(tries, 3);
}

TEST_F(RepositoryCallbacks, WhatListenersThrowIsDropped) {
  options_.on_event = [](const RepositoryEvent& event) {
    if (event.kind == RepositoryEventKind::kLoading) throw std::runtime_error("no");
    throw 1;
  };
  ModelRepository repository = Watch({1});
  Add(2);
  EXPECT_TRUE(Eventually([&] { return repository.version() == 2; }));
  Add(3);
  EXPECT_TRUE(Eventually([&] { return repository.version() == 3; }));
}

TEST_F(RepositoryCallbacks, RefreshIsRefused) {
  Add(1);
  std::optional<ModelRepository> repository;
  std::string message;
  options_.warm_up = [&](const Model&) {
    if (repository) message = MessageOf<InvalidArgumentError>([&] { repository->Refresh(); });
  };
  repository = Open();
  Add(2);
  repository->Refresh();
  ExpectContains(message, "in a callback");
  ExpectServes(*repository, 2);
}

TEST_F(RepositoryCallbacks, MayCloseTheRepository) {
  std::atomic<ModelRepository*> handle = nullptr;
  std::atomic<int> later = 0;
  options_.warm_up = [&](const Model& model) {
    if (Added(model) == 2) handle.load()->Close();
  };
  options_.on_event = [&](const RepositoryEvent&) {
    if (handle.load() != nullptr && handle.load()->closed()) ++later;
  };
  ModelRepository repository = Watch({1});
  handle = &repository;
  Add(2);
  EXPECT_TRUE(Eventually([&] { return repository.closed(); }));
  repository.Close();
  EXPECT_EQ(repository.version(), 1);
  EXPECT_THROW(repository.current(), InvalidArgumentError);
  EXPECT_EQ(States(repository), (Strings{"2 available", "1 retired"}));
  EXPECT_EQ(later, 0);
}

TEST_F(RepositoryCallbacks, MayCloseItDuringRefresh) {
  std::optional<ModelRepository> repository;
  options_.warm_up = [&](const Model& model) {
    if (Added(model) == 2) repository->Close();
  };
  options_.poll_interval = std::chrono::hours(1);
  repository = Watch({1});
  Add(2);
  repository->Refresh();
  EXPECT_TRUE(repository->closed());
  EXPECT_THROW(repository->Refresh(), InvalidArgumentError);
}

TEST_F(RepositoryCallbacks, MayDropTheLastHandle) {
  std::optional<ModelRepository> repository;
  std::atomic<bool> ready = false, dropped = false;
  options_.warm_up = [&](const Model& model) {
    if (Added(model) != 2) return;
    while (!ready) std::this_thread::yield();
    repository.reset();
    dropped = true;
  };
  repository = Watch({1});
  const std::size_t watched = CountThreads();
  Add(2);
  ready = true;
  EXPECT_TRUE(Eventually([&] { return dropped && CountThreads() < watched; }));
}

// Closing

using RepositoryClose = Repository;

TEST_F(RepositoryClose, DoesNotWaitForTheNextLook) {
  options_.poll_interval = std::chrono::hours(1);
  ModelRepository repository = Watch({1});
  const Model model = repository.model();
  const auto begin = Clock::now();
  repository.Close();
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(5));
  EXPECT_TRUE(repository.closed());
  EXPECT_EQ(Added(model), 1);
  EXPECT_EQ(repository.version(), 1);
  EXPECT_EQ(States(repository), Strings{"1 retired"});
  for (const std::string& message : {MessageOf<InvalidArgumentError>([&] { repository.current(); }),
                                     MessageOf<InvalidArgumentError>([&] { repository.model(); }),
                                     MessageOf<InvalidArgumentError>([&] { repository.Refresh(); })}) {
    ExpectContains(message, directory().string() + "\" is closed");
  }
  repository.Close();
}

TEST_F(RepositoryClose, WaitsForAVersionThatIsBeingLoadedWhichThenDoesNotServe) {
  Barrier barrier;
  options_.warm_up = [&](const Model& model) {
    if (Added(model) == 2) barrier.Pass();
  };
  ModelRepository repository = Watch({1});
  Add(2);
  barrier.WaitForArrival();
  std::atomic<bool> over = false;
  std::thread closer([&] {
    repository.Close();
    over = true;
  });
  EXPECT_TRUE(Eventually([&] { return repository.closed(); }));
  EXPECT_THROW(repository.current(), InvalidArgumentError);
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_FALSE(over);
  barrier.Open();
  closer.join();
  EXPECT_EQ(repository.version(), 1);
}

TEST_F(RepositoryClose, CopiesKeepItOpenAndTheLastClosesIt) {
  const std::size_t before = CountThreads();
  std::optional<ModelRepository> repository = Watch({1});
  std::optional<ModelRepository> copy = *repository;
  repository.reset();
  Add(2);
  EXPECT_TRUE(Eventually([&] { return copy->version() == 2; }));
  const std::size_t watched = CountThreads();
  EXPECT_GT(watched, before);
  copy.reset();
  EXPECT_TRUE(Eventually([&] { return CountThreads() < watched; }));
}

TEST_F(RepositoryClose, ThreadsGetTheModelOrTheError) {
  ModelRepository repository = Watch({1});
  std::atomic<int> calls = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, copy = repository] {
      try {
        while (true) {
          EXPECT_EQ(Added(copy.model()), 1);
          ++calls;
        }
      } catch (const InvalidArgumentError& error) {
        ExpectContains(error.what(), "is closed");
      }
    });
  }
  EXPECT_TRUE(Eventually([&] { return calls > 1000; }));
  std::thread other([&] { repository.Close(); });
  repository.Close();
  other.join();
  for (std::thread& thread : threads) thread.join();
}

TEST_F(RepositoryClose, LooksOfSeveralThreadsTakeTurns) {
  ModelRepository repository = Watch({1});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int look = 0; look < 50; ++look) repository.Refresh();
    });
  }
  for (int version = 2; version < 8; ++version) Add(version);
  for (std::thread& thread : threads) thread.join();
  repository.Refresh();
  ExpectServes(repository, 7);
}

// Forks

using RepositoryFork = Repository;

TEST_F(RepositoryFork, AChildIsRefusedAndMayEnd) {
  std::optional<ModelRepository> repository = Watch({1});
  InChild([&] {
    for (const std::string& message : {MessageOf<IncompatibleError>([&] { repository->current(); }),
                                       MessageOf<IncompatibleError>([&] { repository->model(); }),
                                       MessageOf<IncompatibleError>([&] { repository->versions(); }),
                                       MessageOf<IncompatibleError>([&] { repository->problem(); }),
                                       MessageOf<IncompatibleError>([&] { repository->Refresh(); })}) {
      ExpectContains(message, "forked");
    }
    EXPECT_EQ(repository->version(), 1);
    EXPECT_EQ(repository->directory(), directory());
    EXPECT_FALSE(repository->closed());
    repository->Close();
    EXPECT_TRUE(repository->closed());
    repository.reset();
  });
  ExpectServes(*repository, 1);
}

TEST_F(RepositoryFork, AChildOfAProcessThatIsLoadingMayEnd) {
  Barrier barrier;
  options_.warm_up = [&](const Model& model) {
    if (Added(model) == 2) barrier.Pass();
  };
  std::optional<ModelRepository> repository = Watch({1});
  Add(2);
  barrier.WaitForArrival();
  InChild([&] {
    EXPECT_THROW(repository->current(), IncompatibleError);
    repository.reset();
  });
  barrier.Open();
  EXPECT_TRUE(Eventually([&] { return repository->version() == 2; }));
}

}  // namespace
}  // namespace tftrt
