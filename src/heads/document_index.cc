#include "heads/document_index.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/error.h"

namespace qk {
namespace {

std::vector<int64_t> places(const std::vector<int64_t>& ids, const std::vector<int64_t>& sorted) {
  std::vector<int64_t> out;
  out.reserve(ids.size());
  for (int64_t id : ids) {
    out.push_back(std::lower_bound(sorted.begin(), sorted.end(), id) - sorted.begin());
  }
  return out;
}

// The ids as a table with large ids has them.
std::vector<int64_t> shifted(const std::vector<int64_t>& ids) {
  std::vector<int64_t> out;
  out.reserve(ids.size());
  for (const int64_t id : ids) {
    if (id < 0) {
      fail("example_id: queries and keys together have ids of 2^63 or more and {}", id);
    }
    out.push_back(id + std::numeric_limits<int64_t>::min());
  }
  return out;
}

}  // namespace

DocumentIndex index_documents(const HeadTable& queries, const HeadTable& keys) {
  if (queries.example_ids.empty() || keys.example_ids.empty()) {
    fail("bootstrap: the {} have no example_id, so documents cannot be resampled",
         queries.example_ids.empty() ? "queries" : "keys");
  }
  const bool is_large = queries.has_large_ids || keys.has_large_ids;
  std::vector<int64_t> shifted_ids;  // of one of the tables at most
  const auto ids_of = [&](const HeadTable& table) -> const std::vector<int64_t>& {
    if (!is_large || table.has_large_ids) return table.example_ids;
    shifted_ids = shifted(table.example_ids);
    return shifted_ids;
  };
  const std::vector<int64_t>& of_queries = ids_of(queries);
  const std::vector<int64_t>& of_keys = ids_of(keys);
  DocumentIndex out;
  out.ids = of_queries;
  out.ids.insert(out.ids.end(), of_keys.begin(), of_keys.end());
  std::sort(out.ids.begin(), out.ids.end());
  out.ids.erase(std::unique(out.ids.begin(), out.ids.end()), out.ids.end());
  out.of_query = places(of_queries, out.ids);
  out.of_key = places(of_keys, out.ids);
  return out;
}

RowsByDocument group_by_document(std::span<const int64_t> rows,
                                 std::span<const int64_t> documents_of_rows) {
  RowsByDocument out;
  out.rows.assign(rows.begin(), rows.end());
  const auto document_of = [&](int64_t row) { return documents_of_rows[static_cast<size_t>(row)]; };
  std::stable_sort(out.rows.begin(), out.rows.end(),
                   [&](int64_t a, int64_t b) { return document_of(a) < document_of(b); });
  for (size_t i = 0; i < out.rows.size(); ++i) {
    const int64_t document = document_of(out.rows[i]);
    if (!out.documents.empty() && out.documents.back() == document) continue;
    out.documents.push_back(document);
    out.begins.push_back(static_cast<int64_t>(i));
  }
  out.begins.push_back(static_cast<int64_t>(out.rows.size()));
  return out;
}

}  // namespace qk
