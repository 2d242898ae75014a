// How many documents have rows in each bucket of a head.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_set>
#include <utility>

namespace qk {

class BucketDocuments {
 public:
  void add(int32_t bucket, int64_t example_id) {
    if (last_ == std::pair(bucket, example_id)) return;  // rows of a document follow each other
    last_ = {bucket, example_id};
    seen_[bucket].insert(example_id);
  }

  // Forgets the ids and keeps their numbers. To be called once, after the last add().
  void settle() {
    for (const auto& [bucket, ids] : seen_) counts_[bucket] = static_cast<int64_t>(ids.size());
    seen_.clear();
  }

  // Bucket -> distinct ids. REQUIRES: settle().
  const std::map<int32_t, int64_t>& counts() const { return counts_; }

 private:
  std::pair<int32_t, int64_t> last_{-1, 0};
  std::map<int32_t, std::unordered_set<int64_t>> seen_;
  std::map<int32_t, int64_t> counts_;
};

}  // namespace qk
