// Which positions a bucket covers, and so which buckets a sliding window reaches, counted in
// tokens.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "heads/head_table.h"

namespace qk {

// Inclusive, tokens.
struct PositionRange {
  int64_t first = 0;
  int64_t last = 0;
};

class BucketRanges {
 public:
  // Bucket b covers [b * width, (b + 1) * width). REQUIRES: width >= 1.
  static BucketRanges uniform(int64_t width);
  // Bucket b covers [2^b - 1, 2^(b+1) - 1), the lowest one everything from 0 (power: its number).
  static BucketRanges log(int64_t power);
  // Inferred from the rows of the two tables: uniform or log buckets if all rows agree with them,
  // else the positions that occur in each bucket.
  static BucketRanges observed(const HeadTable& queries, const HeadTable& keys);

  // Of uniform buckets.
  std::optional<int64_t> width() const;
  bool is_log() const { return kind_ == Kind::kLog; }

  // Whether every row lies in the range of its bucket.
  bool hold(const HeadTable& table) const;
  // REQUIRES: the bucket occurs in the tables that observed() saw.
  PositionRange of(int64_t bucket) const;
  // Whether some query of q_bucket attends to some key of k_bucket: less than `window` tokens back.
  bool reaches(int64_t q_bucket, int64_t k_bucket, int64_t window) const;

 private:
  enum class Kind : uint8_t { kUniform, kLog, kObserved };
  Kind kind_ = Kind::kObserved;
  int64_t size_ = 0;  // width, or power
  std::map<int64_t, PositionRange> observed_;
};

}  // namespace qk
