// Which document every row of a head belongs to. Documents are what is resampled.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heads/head_table.h"

namespace qk {

struct DocumentIndex {
  std::vector<int64_t> ids;       // distinct example ids of queries and keys, ascending
  std::vector<int64_t> of_query;  // [query rows], index into ids
  std::vector<int64_t> of_key;    // [key rows]

  int64_t num_documents() const { return static_cast<int64_t>(ids.size()); }
};

// Throws Error if the tables have no example ids.
DocumentIndex index_documents(const HeadTable& queries, const HeadTable& keys);

// Some rows of a head, document by document.
struct RowsByDocument {
  std::vector<int64_t> rows;
  std::vector<int64_t> documents;  // indices of the documents that occur, ascending
  std::vector<int64_t> begins;     // [documents + 1], into rows
};

// `documents_of_rows` [all rows of the table]; rows keep their order within a document.
RowsByDocument group_by_document(std::span<const int64_t> rows,
                                 std::span<const int64_t> documents_of_rows);

}  // namespace qk
