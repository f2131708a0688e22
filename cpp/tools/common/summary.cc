#include "common/summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tftrt::tools {
namespace {

// The least value that a share of all are not above.
double Percentile(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::min(std::max<std::size_t>(rank, 1), sorted.size()) - 1];
}

}  // namespace

Summary Summarise(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  Summary summary;
  summary.calls = times.size();
  summary.mean = std::accumulate(times.begin(), times.end(), 0.0) / static_cast<double>(times.size());
  summary.median = Percentile(times, 0.5);
  summary.p90 = Percentile(times, 0.9);
  summary.p95 = Percentile(times, 0.95);
  summary.p99 = Percentile(times, 0.99);
  summary.p999 = Percentile(times, 0.999);
  return summary;
}

}  // namespace tftrt::tools
