// Where a bucket lies in a document, for the axes of figures.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace qk {

// kNumber: where buckets lie is not known; their numbers take the place of positions. kTable: each
// bucket has bounds of its own.
enum class BucketType : uint8_t { kUniform, kLog, kNumber, kTable };

// First and last position of a bucket [tokens].
struct BucketBounds {
  double from = 0;
  double to = 0;
};

struct BucketScale {
  BucketType type = BucketType::kUniform;
  // Width of a uniform bucket [tokens], > 0. Log buckets are numbered by their exponent: it does
  // not apply to them, except with multiply_log.
  double min_size = 1;
  // As the original tool: positions of log buckets times min_size (right only if that is 1).
  bool multiply_log = false;
  std::vector<std::pair<int64_t, BucketBounds>> bounds{};  // kTable; buckets increasing
};

// The scale that the bounds follow: uniform, log (floor(log2(position + 1)), the lowest bucket from 0
// on), else kTable. The last bucket may be cut short.
BucketScale scale_of_bounds(const std::map<int64_t, BucketBounds>& bounds);

// Whether bucket b is [2^b - 1, 2^(b + 1) - 2], the lowest one from 0 on, the last one cut short.
bool are_log_bounds(const std::map<int64_t, BucketBounds>& bounds);

// "uniform, 512 tokens wide", for messages.
std::string scale_text(const BucketScale& scale);

// First position of a bucket [tokens]: bucket * min_size, or 2^bucket, or its number. Throws Error beyond 1e18.
double bucket_start(const BucketScale& scale, int64_t bucket);

// Its middle [tokens]: (bucket + 1/2) * min_size, or 2^(bucket + 1/2), or its number. Throws Error beyond 1e18.
double bucket_center(const BucketScale& scale, int64_t bucket);

// From its first position to that of the next one [tokens]; around its number for kNumber.
std::pair<double, double> bucket_extent(const BucketScale& scale, int64_t bucket);

// "Query position (tokens)", or "Query bucket" if positions are not known.
std::string axis_name(const BucketScale& scale, const std::string& position,
                      const std::string& bucket);

// A position as text: without decimals if it is an integer to 1e-9, else with two.
std::string position_text(double position);

// With separators of thousands: "4,096".
std::string grouped(double position);

}  // namespace qk
