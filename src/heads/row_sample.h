// Which rows of a head are measured, and which way its vectors point.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "random/seed_words.h"

namespace qk {

// If there are more than max_rows rows: max_rows different ones, in the order of numpy's
// choice(num_rows, max_rows, replace=False). Else nothing: all rows, in the order of the files.
std::optional<std::vector<int64_t>> sample_rows(int64_t num_rows, int64_t max_rows,
                                                const SeedWords& seed);

// The sign of each component, so that the mean over buckets of the mean key is positive
// (docs/analysis.md, "Orientation"). Counts all keys, before any subsampling.
class KeyOrientation {
 public:
  // REQUIRES: all vectors are of one length.
  void add(int64_t bucket, std::span<const float> vector);
  // 1 or -1 for each component. REQUIRES: at least one key.
  std::vector<float> signs() const;

 private:
  struct Sum {
    std::vector<double> vector;
    int64_t rows = 0;
  };
  std::map<int64_t, Sum> buckets_;
  Sum* last_ = nullptr;  // of last_bucket_: rows of a bucket follow each other
  int64_t last_bucket_ = 0;
};

}  // namespace qk
