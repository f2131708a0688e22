// Many callers of one queue, with limits, cancellation and an end.

#include "api/call_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "tftrt/error.h"

namespace tftrt {
namespace {

TEST(CallQueueRace, EveryAcceptedCallIsMadeOnceAndTheRestIsTurnedAway) {
  constexpr int kCallers = 8;
  constexpr int kCalls = 500;
  std::vector<std::unique_ptr<std::atomic<int>>> made;
  for (int i = 0; i < kCallers * kCalls; ++i) made.push_back(std::make_unique<std::atomic<int>>(0));
  std::vector<char> accepted(made.size(), 0);
  {
    CallQueue queue(3, 4);
    std::vector<std::thread> callers;
    for (int caller = 0; caller < kCallers; ++caller) {
      callers.emplace_back([&, caller] {
        for (int i = 0; i < kCalls; ++i) {
          const std::size_t number = static_cast<std::size_t>(caller) * kCalls + i;
          CallLimits limits;
          if (i % 3 == 1) limits.cancellation.emplace();
          if (i % 3 == 2) limits.deadline = std::chrono::steady_clock::now();
          try {
            queue.Submit([&made, number] { ++*made[number]; }, limits);
            accepted[number] = 1;
          } catch (const ResourceExhaustedError&) {
          }
          if (limits.cancellation) limits.cancellation->Cancel();
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
  }
  int total = 0;
  for (std::size_t i = 0; i < made.size(); ++i) {
    EXPECT_EQ(*made[i], accepted[i]) << i;
    total += accepted[i];
  }
  EXPECT_GT(total, 0);
}

TEST(CallQueueRace, AFullQueueTurnsAwayExactlyWhatDoesNotFit) {
  constexpr int kCallers = 20;
  constexpr int kThreads = 2;
  constexpr int kWaiting = 3;
  std::atomic<bool> open{false};
  std::atomic<int> made{0};
  std::atomic<int> refused{0};
  {
    CallQueue queue(kThreads, kWaiting);
    std::vector<std::thread> callers;
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&] {
        try {
          queue.Submit(
              [&] {
                while (!open) std::this_thread::sleep_for(std::chrono::milliseconds(1));
                ++made;
              },
              {});
        } catch (const ResourceExhaustedError&) {
          ++refused;
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    open = true;
    CallQueue::WaitForAll();
    EXPECT_EQ(made, kThreads + kWaiting);
  }
  EXPECT_EQ(refused, kCallers - kThreads - kWaiting);
}

}  // namespace
}  // namespace tftrt
