// Which document every row of a head belongs to. Documents are what is resampled.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heads/head_table.h"

namespace qk {

struct DocumentIndex {
  std::vector<int64_t> ids;  // distinct example ids of queries and keys, ascending; minus 2^63 if
                             // some are 2^63 or more
  std::vector<int64_t> of_query;  // [query rows], index into ids
  std::vector<int64_t> of_key;    // [key rows]

  int64_t num_documents() const { return static_cast<int64_t>(ids.size()); }
};

// Throws Error if a table has no example ids, or if one has negative ids and the other ids of 2^63 or
// more.
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
