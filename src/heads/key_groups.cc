#include "heads/key_groups.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace qk {
namespace {

int64_t pairs_of(int64_t rows) { return rows * (rows - 1) / 2; }

// Pair number `index` of (0, 1), (0, 2), (1, 2), (0, 3), ...
std::pair<int64_t, int64_t> unrank_pair(int64_t index) {
  auto larger = static_cast<int64_t>((1 + std::sqrt(1 + 8 * static_cast<double>(index))) / 2);
  while (pairs_of(larger) > index) --larger;
  while (pairs_of(larger + 1) <= index) ++larger;
  return {index - pairs_of(larger), larger};
}

}  // namespace

KeyGroups::KeyGroups(const HeadTable& keys) {
  const auto num_rows = static_cast<size_t>(keys.num_rows());
  buckets_ = keys.buckets;
  std::sort(buckets_.begin(), buckets_.end());
  buckets_.erase(std::unique(buckets_.begin(), buckets_.end()), buckets_.end());
  groups_.resize(buckets_.size());
  for (Bucket& bucket : groups_) bucket.group_begins.push_back(0);
  if (keys.example_ids.empty()) return;  // every row is alone

  std::vector<std::vector<std::vector<int64_t>>> documents(buckets_.size());
  std::vector<std::unordered_map<int64_t, size_t>> numbers(buckets_.size());
  for (size_t row = 0; row < num_rows; ++row) {
    const auto it = std::lower_bound(buckets_.begin(), buckets_.end(), keys.buckets[row]);
    const auto bucket = static_cast<size_t>(it - buckets_.begin());
    const auto [entry, is_new] =
        numbers[bucket].try_emplace(keys.example_ids[row], documents[bucket].size());
    if (is_new) documents[bucket].emplace_back();
    documents[bucket][entry->second].push_back(static_cast<int64_t>(row));
  }
  for (size_t bucket = 0; bucket < documents.size(); ++bucket) {
    Bucket& groups = groups_[bucket];
    groups.group_begins.front() = static_cast<int64_t>(rows_.size());
    int64_t sum = 0;
    for (const std::vector<int64_t>& rows : documents[bucket]) {
      if (rows.size() < 2) continue;
      rows_.insert(rows_.end(), rows.begin(), rows.end());
      groups.group_begins.push_back(static_cast<int64_t>(rows_.size()));
      sum += pairs_of(std::ssize(rows));
      groups.cumulative_pairs.push_back(sum);
    }
  }
}

int64_t KeyGroups::num_pairs(size_t bucket_idx) const {
  const Bucket& bucket = groups_.at(bucket_idx);
  return bucket.cumulative_pairs.empty() ? 0 : bucket.cumulative_pairs.back();
}

KeyPair KeyGroups::pair_of(const Bucket& bucket, size_t group, int64_t first,
                           int64_t second) const {
  const auto begin = static_cast<size_t>(bucket.group_begins[group]);
  return {rows_[begin + static_cast<size_t>(first)], rows_[begin + static_cast<size_t>(second)]};
}

void KeyGroups::draw_with_repeats(size_t bucket_idx, int64_t max_pairs, NumpyGenerator& generator,
                                  std::vector<KeyPair>& out) const {
  out.clear();
  const Bucket& bucket = groups_.at(bucket_idx);
  const int64_t total = num_pairs(bucket_idx);
  const auto& sums = bucket.cumulative_pairs;
  for (int64_t count = std::min(max_pairs, total); count > 0; --count) {
    const int64_t drawn = generator.integers(total);
    const auto group =
        static_cast<size_t>(std::upper_bound(sums.begin(), sums.end(), drawn) - sums.begin());
    const auto [first, second] =
        generator.choice_pair(bucket.group_begins[group + 1] - bucket.group_begins[group]);
    out.push_back(pair_of(bucket, group, first, second));
  }
}

void KeyGroups::draw_distinct(size_t bucket_idx, int64_t max_pairs, NumpyGenerator& generator,
                              std::vector<KeyPair>& out) const {
  out.clear();
  const Bucket& bucket = groups_.at(bucket_idx);
  const int64_t total = num_pairs(bucket_idx);
  const auto& sums = bucket.cumulative_pairs;
  const auto add = [&](int64_t index) {
    const auto group =
        static_cast<size_t>(std::upper_bound(sums.begin(), sums.end(), index) - sums.begin());
    const auto [first, second] = unrank_pair(group == 0 ? index : index - sums[group - 1]);
    out.push_back(pair_of(bucket, group, first, second));
  };
  if (total <= max_pairs) {
    for (int64_t index = 0; index < total; ++index) add(index);
    return;
  }
  for (const int64_t index : generator.choice(total, max_pairs)) add(index);
}

}  // namespace qk
