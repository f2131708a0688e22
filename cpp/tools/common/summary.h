#ifndef TFTRT_TOOLS_COMMON_SUMMARY_H_
#define TFTRT_TOOLS_COMMON_SUMMARY_H_

#include <cstddef>
#include <vector>

namespace tftrt::tools {

// Of many calls, in microseconds.
struct Summary {
  std::size_t calls = 0;
  double mean = 0, median = 0, p90 = 0, p95 = 0, p99 = 0, p999 = 0;
};

// `times` are one or more, in any order.
Summary Summarise(std::vector<double> times);

}  // namespace tftrt::tools

#endif  // TFTRT_TOOLS_COMMON_SUMMARY_H_
