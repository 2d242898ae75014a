#include "heads/document_index.h"

#include <algorithm>

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

}  // namespace

DocumentIndex index_documents(const HeadTable& queries, const HeadTable& keys) {
  if (queries.example_ids.empty() || keys.example_ids.empty()) {
    fail("bootstrap: the {} have no example_id, so documents cannot be resampled",
         queries.example_ids.empty() ? "queries" : "keys");
  }
  DocumentIndex out;
  out.ids = queries.example_ids;
  out.ids.insert(out.ids.end(), keys.example_ids.begin(), keys.example_ids.end());
  std::sort(out.ids.begin(), out.ids.end());
  out.ids.erase(std::unique(out.ids.begin(), out.ids.end()), out.ids.end());
  out.of_query = places(queries.example_ids, out.ids);
  out.of_key = places(keys.example_ids, out.ids);
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
