#ifndef TFTRT_TOOLS_TFTRT_BENCH_MEASURE_H_
#define TFTRT_TOOLS_TFTRT_BENCH_MEASURE_H_

#include <functional>
#include <vector>

namespace tftrt::bench {

// Of many calls, in microseconds; throughput in calls a second.
struct Summary {
  std::size_t calls = 0;
  double mean = 0, median = 0, p90 = 0, p95 = 0, p99 = 0, p999 = 0;
  double throughput = 0;
};

// Makes a call, on the thread that calls it: one for each caller.
using MakeCall = std::function<std::function<void()>()>;

// Has `callers` threads call at the same time for `warmup` and then for `duration` seconds. Throws what a call throws.
Summary Measure(const MakeCall& make, int callers, double warmup, double duration);

}  // namespace tftrt::bench

#endif  // TFTRT_TOOLS_TFTRT_BENCH_MEASURE_H_
