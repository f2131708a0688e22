#ifndef TFTRT_TOOLS_TFTRT_BENCH_MEASURE_H_
#define TFTRT_TOOLS_TFTRT_BENCH_MEASURE_H_

#include <functional>

#include "common/summary.h"

namespace tftrt::bench {

struct Measurement {
  tools::Summary latency;
  double throughput = 0;  // calls a second
};

// Makes a call, on the thread that calls it: one for each caller.
using MakeCall = std::function<std::function<void()>()>;

// Has `callers` threads call at the same time for `warmup` and then for `duration` seconds. Throws what a call throws.
Measurement Measure(const MakeCall& make, int callers, double warmup, double duration);

}  // namespace tftrt::bench

#endif  // TFTRT_TOOLS_TFTRT_BENCH_MEASURE_H_
