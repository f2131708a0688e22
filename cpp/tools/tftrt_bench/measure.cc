#include "measure.h"

#include <chrono>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace tftrt::bench {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

Measurement Measure(const MakeCall& make, int callers, double warmup, double duration) {
  std::mutex mutex;
  std::vector<double> all;
  std::exception_ptr failure;
  const auto begin = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(warmup));
  const auto end = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(duration));
  const auto work = [&] {
    std::vector<double> times;
    try {
      const std::function<void()> call = make();
      call();
      for (Clock::time_point before = Clock::now(); before < end || times.empty();) {
        call();
        const Clock::time_point after = Clock::now();
        if (before >= begin) times.push_back(std::chrono::duration<double, std::micro>(after - before).count());
        before = after;
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
    }
    const std::lock_guard lock(mutex);
    all.insert(all.end(), times.begin(), times.end());
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < callers; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  if (failure != nullptr) std::rethrow_exception(failure);

  Measurement measurement;
  measurement.throughput = static_cast<double>(all.size()) / duration;
  measurement.latency = tools::Summarise(std::move(all));
  return measurement;
}

}  // namespace tftrt::bench
