#include "report/figure_positions.h"

#include <fmt/core.h>

#include <cmath>

namespace qk {
namespace {

double position(const BucketScale& scale, double bucket) {
  if (scale.type == BucketType::kUniform) return bucket * scale.min_size;
  return std::exp2(bucket) * (scale.multiply_log ? scale.min_size : 1.0);
}

}  // namespace

double bucket_start(const BucketScale& scale, int64_t bucket) {
  return position(scale, static_cast<double>(bucket));
}

double bucket_center(const BucketScale& scale, int64_t bucket) {
  return position(scale, static_cast<double>(bucket) + 0.5);
}

std::string position_text(double value) {
  const double nearest_integer = std::nearbyint(value);
  if (std::abs(value - nearest_integer) < 1e-9) return fmt::format("{:.0f}", nearest_integer);
  return fmt::format("{:.2f}", value);
}

}  // namespace qk
