#include "dataset/bucket_facts.h"

#include <algorithm>

namespace qk {

std::map<int32_t, BucketFacts> bucket_facts(const JournalSet& journal,
                                            const JournalSet::Group& group) {
  std::map<int32_t, BucketFacts> facts;
  for (const JournalSet::Record& record : group.records) {
    const JournalSet::Entry entry = journal.entry(record);
    std::map<int32_t, int64_t> rows;
    for (const int32_t bucket : journal.columns(entry).buckets) ++rows[bucket];
    for (const auto& [bucket, count] : rows) {
      BucketFacts& fact = facts[bucket];
      ++fact.documents;
      fact.least_rows += count;
      fact.most_rows = fact.least_rows;
    }
    journal.drop_head(entry);
  }
  return facts;
}

void merge_bucket_facts(std::map<int32_t, BucketFacts>& all,
                        const std::map<int32_t, BucketFacts>& more) {
  for (const auto& [bucket, facts] : more) {
    BucketFacts& fact = all.try_emplace(bucket, facts).first->second;
    fact.documents = std::max(fact.documents, facts.documents);
    fact.least_rows = std::min(fact.least_rows, facts.least_rows);
    fact.most_rows = std::max(fact.most_rows, facts.most_rows);
  }
}

std::map<int32_t, BucketFacts> bucket_facts(const JournalSet& journal) {
  std::map<int32_t, BucketFacts> facts;
  for (const JournalSet::Group& group : journal.groups()) {
    merge_bucket_facts(facts, bucket_facts(journal, group));
  }
  return facts;
}

}  // namespace qk
