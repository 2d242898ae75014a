// How the rows of a head are spread over documents and buckets.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heads/head_table.h"

namespace qk {

struct DocumentBuckets {
  struct Count {
    int64_t bucket = 0;  // index into buckets
    double rows = 0;     // at least 1
  };
  std::vector<int64_t> buckets;        // distinct, ascending
  std::vector<int64_t> bucket_of_row;  // [rows of the table], index into buckets
  std::vector<double> bucket_rows;     // [buckets]
  std::vector<double> mean_position;   // [buckets], of their rows, relative to the mean of all
  std::vector<int64_t> documents;      // ascending, as in documents_of_rows
  std::vector<int64_t> rows;           // of all documents, one after another
  std::vector<int64_t> row_begins;     // [documents + 1], into rows
  std::vector<Count> counts;           // of all documents, one after another
  std::vector<int64_t> count_begins;   // [documents + 1], into counts

  int64_t num_buckets() const { return static_cast<int64_t>(buckets.size()); }
  int64_t num_documents() const { return static_cast<int64_t>(documents.size()); }
  std::span<const int64_t> rows_of(int64_t index) const;
  std::span<const Count> counts_of(int64_t index) const;
};

// documents_of_rows   [rows]
// centered_positions  [rows], tokens: QueryFit's
DocumentBuckets spread_rows(const HeadTable& table, std::span<const int64_t> documents_of_rows,
                            std::span<const double> centered_positions);

// A number for every row's document: equal for equal example ids, ascending with them. Without
// example ids every row is a document of its own.
std::vector<int64_t> document_numbers(const HeadTable& table);

}  // namespace qk
