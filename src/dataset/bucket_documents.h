// How many documents have rows in each bucket of a head.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_set>
#include <utility>

namespace qk {

class BucketDocuments {
 public:
  void add(int64_t bucket, int64_t example_id) {
    const std::pair row(bucket, example_id);
    if (last_ == row) return;  // rows of a document follow each other
    last_ = row;
    seen_[bucket].insert(example_id);
  }

  // Forgets the ids and keeps their numbers. To be called once, after the last add().
  void settle() {
    for (const auto& [bucket, ids] : seen_) counts_[bucket] = static_cast<int64_t>(ids.size());
    seen_.clear();
  }

  // Bucket -> distinct ids. REQUIRES: settle().
  const std::map<int64_t, int64_t>& counts() const { return counts_; }

 private:
  std::optional<std::pair<int64_t, int64_t>> last_;
  std::map<int64_t, std::unordered_set<int64_t>> seen_;
  std::map<int64_t, int64_t> counts_;
};

}  // namespace qk
