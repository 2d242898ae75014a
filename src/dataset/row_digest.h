// A digest of rows that arrive in pieces: the same rows in the same order give the same digest,
// whatever the pieces.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/hash.h"

namespace qk {

class RowDigest {
 public:
  void add(int64_t bucket, int64_t example_id, int64_t position) {
    numbers_.insert(numbers_.end(), {bucket, example_id, position});
    if (numbers_.size() > kNumbers) fold();
  }
  uint64_t value() {
    fold();
    return digest_;
  }

 private:
  static constexpr size_t kNumbers = size_t{3} * 4096;
  // Every full batch of rows is folded into the digest of those before.
  void fold() {
    numbers_.push_back(static_cast<int64_t>(digest_));
    digest_ = xxh3_64(std::as_bytes(std::span(numbers_)));
    numbers_.clear();
  }
  std::vector<int64_t> numbers_;
  uint64_t digest_ = 0;
};

}  // namespace qk
