// Copies of a model that are called, called in the background, given up and closed at once.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "fakes/backend.h"
#include "testing.h"
#include "tftrt/environment.h"
#include "tftrt/error.h"

namespace tftrt {
namespace {

class ModelRace : public testing::Test {
 protected:
  ~ModelRace() override {
    backend_.pause = std::chrono::microseconds(0);
    // The last call may hold the model a little longer than its caller.
    WaitForQueuedCalls();
    EXPECT_EQ(backend_.models, 0);
  }

  FakeBackend& backend_ = FakeBackend::Get();
};

TEST_F(ModelRace, CopiesAreCalledUntilOneClosesThemAll) {
  const std::uint64_t runs = backend_.runs;
  Model model = LoadFake(5);
  std::atomic<std::uint64_t> right{0};
  std::atomic<std::uint64_t> calls{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      try {
        while (true) {
          const Model copy = model.WithSignature("serving_default");
          ++calls;
          if (FakeRun(copy, 2) == 7) ++right;
        }
      } catch (const InvalidArgumentError& error) {
        ExpectContains(error.what(), "is closed");
      }
    });
  }
  while (right < 1000) std::this_thread::yield();
  std::thread other([copy = model]() mutable { copy.Close(); });
  model.Close();
  other.join();
  EXPECT_EQ(backend_.models, 0);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(model.Stats().calls, calls);
  EXPECT_EQ(model.Stats().errors, calls - right);
  EXPECT_EQ(backend_.runs - runs, right);
}

TEST_F(ModelRace, BackgroundCallsEndOnceEachWhileTheModelIsClosed) {
  constexpr int kThreads = 4;
  constexpr int kCalls = 200;
  backend_.pause = std::chrono::microseconds(100);
  std::atomic<int> right{0};
  std::atomic<int> wrong{0};
  std::atomic<int> given_up{0};
  std::atomic<int> closed{0};
  std::atomic<int> refused{0};
  {
    Model model = LoadFake(5);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&] {
        for (int i = 0; i < kCalls; ++i) {
          CallOptions options;
          if (i % 2 == 1) options.cancellation.emplace();
          try {
            model.RunAsync(FakeInputs(2), options, [&](std::vector<Tensor> outputs, std::exception_ptr error) {
              if (error == nullptr) {
                ++(outputs.at(0).data<float>()[0] == 7 ? right : wrong);
                return;
              }
              try {
                std::rethrow_exception(error);
              } catch (const CancelledError&) {
                ++given_up;
              } catch (const InvalidArgumentError&) {
                ++closed;
              }
            });
          } catch (const InvalidArgumentError&) {
            ++refused;
          }
          if (options.cancellation) options.cancellation->Cancel();
        }
      });
    }
    while (right < 20) std::this_thread::yield();
    model.Close();
    for (std::thread& thread : threads) thread.join();
    WaitForQueuedCalls();
    EXPECT_EQ(right + given_up + closed + refused, kThreads * kCalls);
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(model.Stats().calls, static_cast<std::uint64_t>(kThreads * kCalls));
    EXPECT_EQ(model.Stats().errors, static_cast<std::uint64_t>(given_up + closed + refused));
  }
}

TEST_F(ModelRace, CallersThatGiveUpGoOnWhileTheRunEndsByItself) {
  // Far longer than a busy machine may keep a thread from giving up.
  backend_.pause = std::chrono::milliseconds(200);
  std::atomic<int> late{0};
  std::atomic<int> cancelled{0};
  {
    const Model model = LoadFake(5);
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        CallOptions options;
        if (i % 2 == 0) {
          options.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(3);
        } else {
          options.cancellation.emplace();
        }
        std::thread canceller([cancellation = options.cancellation] {
          std::this_thread::sleep_for(std::chrono::milliseconds(2));
          if (cancellation) cancellation->Cancel();
        });
        try {
          model.Run(FakeInputs(2), options);
        } catch (const DeadlineExceededError&) {
          ++late;
        } catch (const CancelledError&) {
          ++cancelled;
        }
        canceller.join();
      });
    }
    for (std::thread& thread : threads) thread.join();
    WaitForQueuedCalls();
    EXPECT_EQ(model.Stats().calls, 8U);
    EXPECT_EQ(model.Stats().errors, 8U);
  }
  EXPECT_EQ(late, 4);
  EXPECT_EQ(cancelled, 4);
}

}  // namespace
}  // namespace tftrt
