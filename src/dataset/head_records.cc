#include "dataset/head_records.h"

namespace qk {

std::vector<HeadRecords> heads_of(const JournalSet& journal) {
  std::vector<HeadRecords> heads;
  for (const JournalSet::Group& group : journal.groups()) {
    for (const int32_t head : group.heads) heads.push_back({&group, head});
  }
  return heads;
}

}  // namespace qk
