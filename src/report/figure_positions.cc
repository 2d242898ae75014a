#include "report/figure_positions.h"

#include <fmt/format.h>

#include <algorithm>
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

constexpr double kLongestPower = 60;

const BucketBounds& bounds_of_bucket(const BucketScale& scale, int64_t bucket) {
  const auto found = std::find_if(scale.bounds.begin(), scale.bounds.end(),
                                  [&](const auto& each) { return each.first == bucket; });
  if (found == scale.bounds.end()) fail("bucket {}: the tables do not say where it lies", bucket);
  return found->second;
}

// Whether bucket b is [b * width, (b + 1) * width - 1].
bool are_uniform(const std::map<int64_t, BucketBounds>& bounds, double width) {
  for (const auto& [bucket, range] : bounds) {
    const double from = static_cast<double>(bucket) * width;
    const bool is_last = bucket == bounds.rbegin()->first;
    const double to = from + width - 1;
    if (range.from != from || range.to > to || (range.to < to && !is_last)) return false;
  }
  return true;
}

}  // namespace

bool are_log_bounds(const std::map<int64_t, BucketBounds>& bounds) {
  for (const auto& [bucket, range] : bounds) {
    if (bucket < 0 || static_cast<double>(bucket) > kLongestPower) return false;
    const double power = std::exp2(static_cast<double>(bucket));
    const bool is_first = bucket == bounds.begin()->first;
    const bool is_last = bucket == bounds.rbegin()->first;
    if (range.from != power - 1 && !(is_first && range.from == 0)) return false;
    if (range.to > 2 * power - 2 || (range.to < 2 * power - 2 && !is_last)) return false;
  }
  return true;
}

BucketScale scale_of_bounds(const std::map<int64_t, BucketBounds>& bounds) {
  QK_CHECK(!bounds.empty());
  const auto& [last, range] = *bounds.rbegin();
  const double width = last != 0 ? range.from / static_cast<double>(last) : range.to + 1;
  if (width >= 1 && are_uniform(bounds, width)) return {BucketType::kUniform, width, false, {}};
  if (are_log_bounds(bounds)) return {BucketType::kLog, 1, false, {}};
  return {BucketType::kTable, 1, false, {bounds.begin(), bounds.end()}};
}

std::string scale_text(const BucketScale& scale) {
  switch (scale.type) {
    case BucketType::kUniform:
      return fmt::format("uniform, {:g} tokens wide", scale.min_size);
    case BucketType::kLog:
      return "log";
    case BucketType::kTable:
      return "neither uniform nor log";
    case BucketType::kNumber:
      break;
  }
  return "not known";
}

double bucket_start(const BucketScale& scale, int64_t bucket) {
  if (scale.type == BucketType::kTable) return bounds_of_bucket(scale, bucket).from;
  return position(scale, static_cast<double>(bucket));
}

double bucket_center(const BucketScale& scale, int64_t bucket) {
  if (scale.type == BucketType::kTable) {
    const BucketBounds& range = bounds_of_bucket(scale, bucket);
    return (range.from + range.to + 1) / 2;
  }
  const double half = scale.type == BucketType::kNumber ? 0.0 : 0.5;
  return position(scale, static_cast<double>(bucket) + half);
}

std::pair<double, double> bucket_extent(const BucketScale& scale, int64_t bucket) {
  switch (scale.type) {
    case BucketType::kTable: {
      const BucketBounds& range = bounds_of_bucket(scale, bucket);
      return {range.from, range.to + 1};
    }
    case BucketType::kNumber: {
      const auto number = static_cast<double>(bucket);
      return {number - 0.5, number + 0.5};
    }
    default:
      return {bucket_start(scale, bucket), position(scale, static_cast<double>(bucket) + 1)};
  }
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

std::string grouped(double value) {
  std::string out = position_text(value);
  const size_t end = std::min(out.find('.'), out.size());
  const size_t begin = out.starts_with('-') ? 1 : 0;
  for (size_t at = end; at > begin + 3;) out.insert(at -= 3, ",");
  return out;
}

}  // namespace qk
