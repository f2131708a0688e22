#include "measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>

namespace tftrt::bench {
namespace {

using Clock = std::chrono::steady_clock;

// The least value that a share of all are not above.
double Percentile(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::min(std::max<std::size_t>(rank, 1), sorted.size()) - 1];
}

}  // namespace

Summary Measure(const MakeCall& make, int callers, double warmup, double duration) {
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

  std::sort(all.begin(), all.end());
  Summary summary;
  summary.calls = all.size();
  summary.mean = std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
  summary.median = Percentile(all, 0.5);
  summary.p90 = Percentile(all, 0.9);
  summary.p95 = Percentile(all, 0.95);
  summary.p99 = Percentile(all, 0.99);
  summary.p999 = Percentile(all, 0.999);
  summary.throughput = static_cast<double>(all.size()) / duration;
  return summary;
}

}  // namespace tftrt::bench
