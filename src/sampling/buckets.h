// Buckets of positions: what the `bucket` column holds and what the samplers go by.
//
//   log_uniform    max(floor(log2(position + 1)), power): the exponent itself, so that the lowest
//                  bucket is `power` and not 0. power = ceil(log2(min_bucket_size)).
//   uniform, all   floor(position / min_bucket_size)
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace qk {

enum class SamplerType : uint8_t { kLogUniform, kUniform, kAll };

// As in the configuration, in the order of SamplerType.
inline constexpr std::array<std::string_view, 3> kSamplerNames = {"log_uniform", "uniform", "all"};
const char* sampler_name(SamplerType type);

// The original computes in float32. That differs from integers from position 2097150 (log) and
// 2^24 (uniform) on. Samplers always go by kFloat32, so that they take the original's rows.
enum class BucketRule : uint8_t { kFloat32, kExact };

class Buckets {
 public:
  // REQUIRES: 1 <= min_bucket_size <= 2^62 [tokens].
  Buckets(SamplerType type, int64_t min_bucket_size, BucketRule rule);

  // REQUIRES: position >= 0.
  int32_t of(int64_t position) const;

  // The first position of a bucket, by the exact rule. REQUIRES: bucket >= of(0); for uniform and
  // all, bucket * min_bucket_size fits.
  int64_t first_position(int32_t bucket) const;

  // The lowest bucket of log_uniform; 0 for the other types.
  int power() const { return power_; }
  // Width of the lowest bucket [tokens]: 2^power for log_uniform (the original's
  // `sampling_min_bucket_size`), min_bucket_size for the others (`sampling_bucket_size`).
  int64_t effective_size() const;

 private:
  bool is_log_;
  bool is_exact_;
  int64_t size_;
  int power_ = 0;
};

}  // namespace qk
