#include "dataset/bucket_facts.h"

#include <algorithm>

namespace qk {

std::map<int32_t, BucketFacts> bucket_facts(const JournalSet& journal) {
  struct Count {
    int64_t documents = 0, rows = 0;
  };
  std::map<int32_t, BucketFacts> facts;
  for (const JournalSet::Group& group : journal.groups()) {
    std::map<int32_t, Count> counts;  // of a head of the group
    for (const JournalSet::Record& record : group.records) {
      const JournalSet::Entry entry = journal.entry(record);
      std::map<int32_t, int64_t> rows;
      for (const int32_t bucket : journal.columns(entry).buckets) ++rows[bucket];
      for (const auto& [bucket, count] : rows) {
        ++counts[bucket].documents;
        counts[bucket].rows += count;
      }
      journal.drop_head(entry);
    }
    for (const auto& [bucket, count] : counts) {
      BucketFacts& fact = facts.try_emplace(bucket, 0, count.rows, count.rows).first->second;
      fact.documents = std::max(fact.documents, count.documents);
      fact.least_rows = std::min(fact.least_rows, count.rows);
      fact.most_rows = std::max(fact.most_rows, count.rows);
    }
  }
  return facts;
}

}  // namespace qk
