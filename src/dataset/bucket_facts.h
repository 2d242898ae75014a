// What one head has in each bucket: the numbers that decide how sure an analysis can be.
#pragma once

#include <cstdint>
#include <map>

#include "journal/journal_set.h"

namespace qk {

struct BucketFacts {
  int64_t documents = 0;                  // most of any head: all heads of a layer and kind agree
  int64_t least_rows = 0, most_rows = 0;  // of a head that has the bucket
  bool operator==(const BucketFacts&) const = default;
};

// By bucket, of one layer and kind of the journals.
std::map<int32_t, BucketFacts> bucket_facts(const JournalSet& journal,
                                            const JournalSet::Group& group);

// Makes `all` those of what it was of, and of what `more` are of.
void merge_bucket_facts(std::map<int32_t, BucketFacts>& all,
                        const std::map<int32_t, BucketFacts>& more);

// By bucket, over all layers and kinds of the journals.
std::map<int32_t, BucketFacts> bucket_facts(const JournalSet& journal);

}  // namespace qk
