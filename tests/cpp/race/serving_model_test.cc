// Readers of what serves, while it is switched and closed.

#include "repository/serving_model.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "fakes/backend.h"

namespace tftrt {
namespace {

TEST(ServingModelRace, ReadersFindAWholeModelWhileVersionsAreSwitchedAndClosed) {
  constexpr int kReaders = 6;
  constexpr int kVersions = 200;
  {
    ServingModel serving;
    std::optional<VersionedModel> first(VersionedModel{1, LoadFake(1)});
    ASSERT_TRUE(serving.Switch(first));
    EXPECT_FALSE(first);
    std::atomic<int> wrong{0};
    std::atomic<int> backwards{0};
    std::atomic<int> readings{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < kReaders; ++i) {
      readers.emplace_back([&] {
        std::int64_t last = 0;
        while (const std::optional<VersionedModel> current = serving.Get()) {
          if (FakeRun(current->model, 1) != static_cast<float>(current->version) + 1) ++wrong;
          if (current->version < last) ++backwards;
          last = current->version;
          ++readings;
        }
      });
    }
    for (int version = 2; version <= kVersions; ++version) {
      std::optional<VersionedModel> next(VersionedModel{version, LoadFake(version)});
      ASSERT_TRUE(serving.Switch(next));
      ASSERT_TRUE(next);
      EXPECT_EQ(next->version, version - 1);
      EXPECT_EQ(serving.version(), version);
    }
    while (readings < 1000) std::this_thread::yield();
    std::thread other([&] { serving.Close(); });
    serving.Close();
    other.join();
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(backwards, 0);
    EXPECT_FALSE(serving.Get());
    std::optional<VersionedModel> late(VersionedModel{999, LoadFake(999)});
    EXPECT_FALSE(serving.Switch(late));
    EXPECT_EQ(serving.version(), kVersions);
  }
  EXPECT_EQ(FakeBackend::Get().models, 0);
}

}  // namespace
}  // namespace tftrt
