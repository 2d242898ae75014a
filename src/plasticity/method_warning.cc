#include "plasticity/method_warning.h"

#include <fmt/format.h>

#include <cmath>

namespace qk {

bool depends_on_method(const MethodResult& result) {
  if (!result.difference) return false;
  const double difference = std::abs(result.difference->value);
  const Interval& interval = result.interval;
  if (!interval.has_value()) return difference > kNoteworthyDifference;
  const Interval& of_difference = result.difference->interval;
  const bool may_be_chance =
      of_difference.has_value() && of_difference.low <= 0 && of_difference.high >= 0;
  return difference > (interval.high - interval.low) / 2 && !may_be_chance;
}

std::string method_warning(const MethodResult& result) {
  if (!depends_on_method(result)) return "";
  if (result.interval.has_value()) {
    return fmt::format("differs from {} by more than its error", result.difference->against);
  }
  return fmt::format("differs from {} by more than {}", result.difference->against,
                     kNoteworthyDifference);
}

}  // namespace qk
