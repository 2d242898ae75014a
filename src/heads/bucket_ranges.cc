#include "heads/bucket_ranges.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/error.h"

namespace qk {
namespace {

constexpr int64_t kLargestLogBucket = 61;

PositionRange log_range(int64_t bucket, int64_t power) {
  const int64_t exponent = std::clamp<int64_t>(bucket, 0, kLargestLogBucket);
  return {bucket <= power ? 0 : (int64_t{1} << exponent) - 1, (int64_t{1} << (exponent + 1)) - 2};
}

void add_rows(const HeadTable& table, std::map<int64_t, PositionRange>& ranges) {
  for (size_t row = 0; row < table.positions.size(); ++row) {
    const int64_t position = table.positions[row];
    const auto [it, is_new] =
        ranges.try_emplace(table.buckets[row], PositionRange{position, position});
    it->second.first = std::min(it->second.first, position);
    it->second.last = std::max(it->second.last, position);
  }
}

// The width w with floor(position / w) == bucket for all rows: a power of two if several would do,
// else the smallest. 0: there is none, or the rows allow any.
int64_t uniform_width(const std::map<int64_t, PositionRange>& ranges) {
  int64_t lowest = 1;
  int64_t highest = std::numeric_limits<int64_t>::max();
  for (const auto& [bucket, range] : ranges) {
    if (bucket < 0 || range.first < 0 || bucket == std::numeric_limits<int64_t>::max()) return 0;
    lowest = std::max(lowest, range.last / (bucket + 1) + 1);
    if (bucket > 0) highest = std::min(highest, range.first / bucket);
  }
  if (lowest > highest || highest == std::numeric_limits<int64_t>::max()) return 0;
  const auto power = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(lowest)));
  return power <= highest ? power : lowest;
}

// The number of the lowest bucket, if floor(log2(position + 1)) is the bucket of all rows above it.
std::optional<int64_t> log_power(const std::map<int64_t, PositionRange>& ranges) {
  if (ranges.empty()) return {};
  const int64_t power = ranges.begin()->first;
  for (const auto& [bucket, range] : ranges) {
    if (bucket < 0 || bucket > kLargestLogBucket) return {};
    const PositionRange expected = log_range(bucket, power);
    if (range.first < expected.first || range.last > expected.last) return {};
  }
  return power;
}

}  // namespace

BucketRanges BucketRanges::uniform(int64_t width) {
  QK_CHECK(width >= 1);
  BucketRanges out;
  out.kind_ = Kind::kUniform;
  out.size_ = width;
  return out;
}

BucketRanges BucketRanges::log(int64_t power) {
  BucketRanges out;
  out.kind_ = Kind::kLog;
  out.size_ = power;
  return out;
}

BucketRanges BucketRanges::observed(const HeadTable& queries, const HeadTable& keys) {
  BucketRanges out;
  add_rows(queries, out.observed_);
  add_rows(keys, out.observed_);
  if (const int64_t width = uniform_width(out.observed_); width > 0) return uniform(width);
  if (const auto power = log_power(out.observed_)) return log(*power);
  return out;
}

std::optional<int64_t> BucketRanges::width() const {
  if (kind_ != Kind::kUniform) return {};
  return size_;
}

PositionRange BucketRanges::of(int64_t bucket) const {
  if (kind_ == Kind::kLog) return log_range(bucket, size_);
  if (kind_ == Kind::kObserved) return observed_.at(bucket);
  int64_t first = 0;
  int64_t next = 0;
  constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
  if (__builtin_mul_overflow(bucket, size_, &first)) first = kEnd;
  if (__builtin_add_overflow(first, size_, &next)) next = kEnd;
  return {first, next - 1};
}

bool BucketRanges::hold(const HeadTable& table) const {
  for (size_t row = 0; row < table.positions.size(); ++row) {
    const PositionRange range = of(table.buckets[row]);
    if (table.positions[row] < range.first || table.positions[row] > range.last) return false;
  }
  return true;
}

bool BucketRanges::reaches(int64_t q_bucket, int64_t k_bucket, int64_t window) const {
  return of(q_bucket).first - of(k_bucket).last < window;
}

}  // namespace qk
