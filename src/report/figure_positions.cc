#include "report/figure_positions.h"

#include <cmath>

#include "base/error.h"

namespace qk {
namespace {

double position(const BucketScale& scale, double bucket) {
  constexpr double kLargest = 1e18;
  if (scale.type == BucketType::kNumber) return bucket;
  const double unit = scale.type == BucketType::kUniform ? bucket : std::exp2(bucket);
  const bool is_scaled = scale.type == BucketType::kUniform || scale.multiply_log;
  const double tokens = unit * (is_scaled ? scale.min_size : 1.0);
  if (!(std::abs(tokens) <= kLargest)) {
    fail(
        "bucket {} would lie at position {:g}: bucket_type or bucket_min_size does not fit the "
        "file",
        std::floor(bucket), tokens);
  }
  return tokens;
}

}  // namespace

double bucket_start(const BucketScale& scale, int64_t bucket) {
  return position(scale, static_cast<double>(bucket));
}

double bucket_center(const BucketScale& scale, int64_t bucket) {
  const double half = scale.type == BucketType::kNumber ? 0.0 : 0.5;
  return position(scale, static_cast<double>(bucket) + half);
}

std::string axis_name(const BucketScale& scale, const std::string& position,
                      const std::string& bucket) {
  return scale.type == BucketType::kNumber ? bucket : position + " (tokens)";
}

std::string position_text(double value) {
  const double nearest_integer = std::nearbyint(value);
  if (std::abs(value - nearest_integer) < 1e-9) return fmt::format("{:.0f}", nearest_integer);
  return fmt::format("{:.2f}", value);
}

}  // namespace qk
