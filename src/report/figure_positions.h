// Where a bucket lies in a document, for the axes of figures.
#pragma once

#include <cstdint>
#include <string>

namespace qk {

// kNumber: where buckets lie is not known; their numbers take the place of positions.
enum class BucketType : uint8_t { kUniform, kLog, kNumber };

struct BucketScale {
  BucketType type = BucketType::kUniform;
  // Width of a uniform bucket [tokens], > 0. Log buckets are numbered by their exponent: it does
  // not apply to them, except with multiply_log.
  double min_size = 1;
  // As the original tool: positions of log buckets times min_size (right only if that is 1).
  bool multiply_log = false;
};

// First position of a bucket [tokens]: bucket * min_size, or 2^bucket, or its number. Throws Error beyond 1e18.
double bucket_start(const BucketScale& scale, int64_t bucket);

// Its middle [tokens]: (bucket + 1/2) * min_size, or 2^(bucket + 1/2), or its number. Throws Error beyond 1e18.
double bucket_center(const BucketScale& scale, int64_t bucket);

// "Query position (tokens)", or "Query bucket" if positions are not known.
std::string axis_name(const BucketScale& scale, const std::string& position,
                      const std::string& bucket);

// A position as text: without decimals if it is an integer to 1e-9, else with two.
std::string position_text(double position);

}  // namespace qk
