#ifndef TFTRT_ENGINES_STOPWATCH_H_
#define TFTRT_ENGINES_STOPWATCH_H_

#include <chrono>
#include <cstdint>

namespace tftrt {

// Measures a run, for the counts of EngineRecord.
class Stopwatch {
 public:
  std::int64_t Nanoseconds() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace tftrt

#endif  // TFTRT_ENGINES_STOPWATCH_H_
