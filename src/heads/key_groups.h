// The keys that may be compared with each other: those of one bucket and one document. Pairs are
// drawn as by the original (docs/analysis.md, "Bucket pairs").
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heads/head_table.h"
#include "random/numpy_rng.h"

namespace qk {

struct KeyPair {
  int64_t first = 0;  // rows of the key table
  int64_t second = 0;
};

class KeyGroups {
 public:
  // Documents of a bucket are in the order of their first row. Without example ids each row is its
  // own document.
  explicit KeyGroups(const HeadTable& keys);

  // Distinct key buckets, ascending.
  std::span<const int64_t> buckets() const { return buckets_; }
  // Pairs of keys of one document in the bucket at an index of buckets(). 0: no two can be
  // compared.
  int64_t num_pairs(size_t bucket_idx) const;

  // The original's draw: min(max_pairs, num_pairs) pairs, each uniform over all pairs, repeats
  // allowed.
  void draw_with_repeats(size_t bucket_idx, int64_t max_pairs, NumpyGenerator& generator,
                         std::vector<KeyPair>& out) const;
  // The same number of pairs, all different; every pair if there are at most max_pairs.
  void draw_distinct(size_t bucket_idx, int64_t max_pairs, NumpyGenerator& generator,
                     std::vector<KeyPair>& out) const;

 private:
  struct Bucket {
    std::vector<int64_t> group_begins;      // [groups + 1], into rows_
    std::vector<int64_t> cumulative_pairs;  // [groups]
  };
  KeyPair pair_of(const Bucket& bucket, size_t group, int64_t first, int64_t second) const;

  std::vector<int64_t> buckets_;
  std::vector<Bucket> groups_;  // beside buckets_; only documents with two rows or more
  std::vector<int64_t> rows_;   // of all groups, one after another, in table order
};

}  // namespace qk
