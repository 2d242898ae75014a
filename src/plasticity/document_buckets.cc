#include "plasticity/document_buckets.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "heads/document_index.h"

namespace qk {
namespace {

// Index of every value in `sorted`. Runs of equal values are looked up once.
std::vector<int64_t> places_in(std::span<const int64_t> values, std::span<const int64_t> sorted) {
  std::vector<int64_t> out;
  out.reserve(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    out.push_back(i > 0 && values[i] == values[i - 1]
                      ? out.back()
                      : std::ranges::lower_bound(sorted, values[i]) - sorted.begin());
  }
  return out;
}

std::vector<int64_t> distinct(std::span<const int64_t> values) {
  std::vector<int64_t> out;
  for (const int64_t value : values) {
    if (out.empty() || value != out.back()) out.push_back(value);
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::span<const int64_t> part(std::span<const int64_t> all, std::span<const int64_t> begins,
                              int64_t index) {
  const auto begin = static_cast<size_t>(begins[static_cast<size_t>(index)]);
  const auto end = static_cast<size_t>(begins[static_cast<size_t>(index) + 1]);
  return all.subspan(begin, end - begin);
}

void count_documents(DocumentBuckets& out) {
  std::vector<double> counts(out.buckets.size());
  out.count_begins.push_back(0);
  for (int64_t d = 0; d < out.num_documents(); ++d) {
    std::vector<int64_t> occurring;
    for (const int64_t row : out.rows_of(d)) {
      const int64_t bucket = out.bucket_of_row[static_cast<size_t>(row)];
      if (counts[static_cast<size_t>(bucket)]++ == 0) occurring.push_back(bucket);
    }
    std::ranges::sort(occurring);
    for (const int64_t bucket : occurring) {
      double& count = counts[static_cast<size_t>(bucket)];
      out.counts.push_back({bucket, count});
      count = 0;
    }
    out.count_begins.push_back(static_cast<int64_t>(out.counts.size()));
  }
}

}  // namespace

std::span<const int64_t> DocumentBuckets::rows_of(int64_t index) const {
  return part(rows, row_begins, index);
}

std::span<const DocumentBuckets::Count> DocumentBuckets::counts_of(int64_t index) const {
  const auto begin = static_cast<size_t>(count_begins[static_cast<size_t>(index)]);
  const auto end = static_cast<size_t>(count_begins[static_cast<size_t>(index) + 1]);
  return std::span(counts).subspan(begin, end - begin);
}

DocumentBuckets spread_rows(const HeadTable& table, std::span<const int64_t> documents_of_rows,
                            std::span<const double> centered_positions) {
  QK_CHECK(documents_of_rows.size() == table.positions.size() &&
           centered_positions.size() == table.positions.size());
  DocumentBuckets out;
  out.buckets = distinct(table.buckets);
  out.bucket_of_row = places_in(table.buckets, out.buckets);
  out.bucket_rows.resize(out.buckets.size());
  out.mean_position.resize(out.buckets.size());
  for (size_t row = 0; row < out.bucket_of_row.size(); ++row) {
    const auto bucket = static_cast<size_t>(out.bucket_of_row[row]);
    out.bucket_rows[bucket] += 1;
    out.mean_position[bucket] += centered_positions[row];
  }
  for (size_t b = 0; b < out.buckets.size(); ++b) out.mean_position[b] /= out.bucket_rows[b];
  std::vector<int64_t> all(table.positions.size());
  std::iota(all.begin(), all.end(), int64_t{0});
  RowsByDocument group = group_by_document(all, documents_of_rows);
  out.documents = std::move(group.documents);
  out.rows = std::move(group.rows);
  out.row_begins = std::move(group.begins);
  count_documents(out);
  return out;
}

std::vector<int64_t> document_numbers(const HeadTable& table) {
  std::vector<int64_t> out;
  if (table.example_ids.empty()) {
    out.resize(table.positions.size());
    std::iota(out.begin(), out.end(), int64_t{0});
    return out;
  }
  return places_in(table.example_ids, distinct(table.example_ids));
}

}  // namespace qk
