#include "plasticity/method_warning.h"

#include <fmt/format.h>

#include <cmath>

namespace qk {

bool depends_on_method(const MethodResult& result) {
  if (!result.difference) return false;
  const Interval& interval = result.interval;
  const double error =
      interval.has_value() ? (interval.high - interval.low) / 2 : kNoteworthyDifference;
  return std::abs(result.difference->value) > error;
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
