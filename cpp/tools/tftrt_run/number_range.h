#ifndef TFTRT_TOOLS_TFTRT_RUN_NUMBER_RANGE_H_
#define TFTRT_TOOLS_TFTRT_RUN_NUMBER_RANGE_H_

#include <cstdint>
#include <limits>
#include <ostream>

namespace tftrt::run {

// Least, greatest and mean of numbers; what is not a number is counted apart.
class NumberRange {
 public:
  void Add(double number);
  // "0.012 to 0.31, mean 0.1, 2 not a number".
  void Print(std::ostream& stream) const;

 private:
  double least_ = std::numeric_limits<double>::infinity();
  double most_ = -std::numeric_limits<double>::infinity();
  double sum_ = 0;
  std::int64_t numbers_ = 0;
  std::int64_t not_numbers_ = 0;
};

}  // namespace tftrt::run

#endif  // TFTRT_TOOLS_TFTRT_RUN_NUMBER_RANGE_H_
