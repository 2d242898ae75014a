#include "sampling/buckets.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/error.h"

namespace qk {
namespace {

// Below this position the float32 rule equals the integer one.
constexpr int64_t kFirstInexactLog = 2'097'150;

int exact_log(int64_t position) { return std::bit_width(static_cast<uint64_t>(position) + 1) - 1; }

// The logarithm is taken in double and rounded to float32, which lifts some positions just below a
// power of two over it.
int float32_log(int64_t position) {
  if (position < kFirstInexactLog) return exact_log(position);
  const float value = static_cast<float>(position) + 1.0F;
  return static_cast<int>(std::floor(static_cast<float>(std::log2(static_cast<double>(value)))));
}

}  // namespace

const char* sampler_name(SamplerType type) {
  return kSamplerNames.at(static_cast<size_t>(type)).data();
}

Buckets::Buckets(SamplerType type, int64_t min_bucket_size, BucketRule rule)
    : is_log_(type == SamplerType::kLogUniform),
      is_exact_(rule == BucketRule::kExact),
      size_(min_bucket_size) {
  QK_CHECK(min_bucket_size >= 1 && min_bucket_size <= int64_t{1} << 62);
  if (is_log_) {
    power_ = static_cast<int>(std::ceil(std::log2(static_cast<double>(min_bucket_size))));
  }
}

int32_t Buckets::of(int64_t position) const {
  if (is_log_) return std::max(is_exact_ ? exact_log(position) : float32_log(position), power_);
  if (is_exact_) return static_cast<int32_t>(position / size_);
  const float ratio = static_cast<float>(position) / static_cast<float>(size_);
  return static_cast<int32_t>(std::floor(ratio));
}

int64_t Buckets::first_position(int32_t bucket) const {
  if (!is_log_) return bucket * size_;
  return bucket <= power_ ? 0 : (int64_t{1} << bucket) - 1;
}

int64_t Buckets::effective_size() const { return is_log_ ? int64_t{1} << power_ : size_; }

}  // namespace qk
