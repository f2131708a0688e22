#include "number_range.h"

#include <algorithm>
#include <cmath>

namespace tftrt::run {

void NumberRange::Add(double number) {
  if (std::isnan(number)) {
    ++not_numbers_;
    return;
  }
  least_ = std::min(least_, number);
  most_ = std::max(most_, number);
  sum_ += number;
  ++numbers_;
}

void NumberRange::Print(std::ostream& stream) const {
  if (numbers_ > 0) stream << least_ << " to " << most_ << ", mean " << sum_ / static_cast<double>(numbers_);
  if (not_numbers_ > 0) stream << (numbers_ > 0 ? ", " : "") << not_numbers_ << " not a number";
}

}  // namespace tftrt::run
