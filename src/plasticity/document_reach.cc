#include "plasticity/document_reach.h"

#include <algorithm>
#include <limits>
#include <span>

namespace qk {
namespace {

void raise_reach(const HeadTable& table, std::span<const int64_t> documents,
                 std::vector<int64_t>& reach) {
  for (size_t row = 0; row < table.buckets.size(); ++row) {
    int64_t& highest = reach[static_cast<size_t>(documents[row])];
    highest = std::max(highest, table.buckets[row]);
  }
}

struct KeptRows {
  HeadTable table;
  std::vector<int64_t> documents;  // [rows]
};

KeptRows kept_rows(const HeadTable& table, std::span<const int64_t> documents,
                   const std::vector<int64_t>& reach, int64_t bucket) {
  std::vector<int64_t> rows;
  KeptRows out;
  for (size_t row = 0; row < table.buckets.size(); ++row) {
    if (table.buckets[row] > bucket || reach[static_cast<size_t>(documents[row])] < bucket)
      continue;
    rows.push_back(static_cast<int64_t>(row));
    out.documents.push_back(documents[row]);
  }
  out.table = take_rows(table, rows);
  return out;
}

}  // namespace

std::vector<int64_t> document_reach(const HeadTable& queries, const HeadTable& keys,
                                    const DocumentIndex& documents) {
  std::vector<int64_t> out(documents.ids.size(), std::numeric_limits<int64_t>::min());
  raise_reach(queries, documents.of_query, out);
  raise_reach(keys, documents.of_key, out);
  return out;
}

std::optional<int64_t> common_reach(const std::vector<int64_t>& reach) {
  if (reach.size() < 3) return {};
  std::vector<int64_t> sorted = reach;
  std::sort(sorted.begin(), sorted.end());
  const int64_t bucket = sorted[sorted.size() / 2];  // at least half are as high or higher
  if (sorted.front() == sorted.back()) return {};
  return bucket;
}

ReachingRows reaching_rows(const HeadTable& queries, const HeadTable& keys,
                           const DocumentIndex& documents, const std::vector<int64_t>& reach,
                           int64_t bucket) {
  KeptRows of_queries = kept_rows(queries, documents.of_query, reach, bucket);
  KeptRows of_keys = kept_rows(keys, documents.of_key, reach, bucket);
  ReachingRows out;
  out.queries = std::move(of_queries.table);
  out.keys = std::move(of_keys.table);
  out.documents = {documents.ids, std::move(of_queries.documents), std::move(of_keys.documents)};
  out.num_documents =
      std::count_if(reach.begin(), reach.end(), [&](int64_t highest) { return highest >= bucket; });
  return out;
}

}  // namespace qk
