// What an engine's node adds to a call to decide and to count: counting THREADS prints nanoseconds a call.

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <vector>

#include "engines/engine_record.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kCalls = 2'000'000;
constexpr int kShapes = 4;  // profiles in use, one after another

// The steps of EngineOp::ComputeAsync, without the engine.
void Call(tftrt::EngineRecord& record, int i) {
  tftrt::ShapeKey key;
  for (const std::int64_t dim :
       {std::int64_t{4}, std::int64_t{1 + i % kShapes}, std::int64_t{224}, std::int64_t{224}, std::int64_t{3}}) {
    key.Add(dim);
  }
  tftrt::ShapeRecord& shape = record.Find(key);
  if (!record.HasEngine(shape, key) || record.reads_values()) std::abort();
  const Clock::time_point start = Clock::now();
  shape.CountEngineRun(std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  tftrt::EngineRecord record("engine");
  tftrt::EnginePlans plans;
  auto& profile = plans.profiles.emplace_back();
  profile.shapes = {{{1, 224, 224, 3}}, {{8, 224, 224, 3}}, {{8, 224, 224, 3}}};
  record.SetPlans(plans);
  const auto run = [&] {
    for (int i = 0; i < kCalls; ++i) Call(record, i);
  };
  run();
  const Clock::time_point start = Clock::now();
  std::vector<std::thread> pool;
  for (int i = 0; i < threads; ++i) pool.emplace_back(run);
  for (std::thread& thread : pool) thread.join();
  const double nanoseconds = std::chrono::duration<double, std::nano>(Clock::now() - start).count() / kCalls;
  const auto expected = static_cast<std::uint64_t>(kCalls) * static_cast<std::uint64_t>(threads + 1);
  if (record.Snapshot().engine_runs != expected) return 1;
  std::cout << nanoseconds << "\n";
}
