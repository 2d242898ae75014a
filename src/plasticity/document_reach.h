// How far documents reach, and the rows of those that reach a bucket.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "heads/document_index.h"
#include "heads/head_table.h"

namespace qk {

// The highest bucket with a row, of every document of the index.
std::vector<int64_t> document_reach(const HeadTable& queries, const HeadTable& keys,
                                    const DocumentIndex& documents);

// The highest bucket that at least half of the documents reach; none if all reach equally far, or if
// there are fewer than three.
std::optional<int64_t> common_reach(const std::vector<int64_t>& reach);

// Rows whose document reaches the bucket, up to that bucket, with the same documents as `documents`.
struct ReachingRows {
  HeadTable queries;
  HeadTable keys;
  DocumentIndex documents;  // of these rows; ids are those of all documents
  int64_t num_documents = 0;
};
ReachingRows reaching_rows(const HeadTable& queries, const HeadTable& keys,
                           const DocumentIndex& documents, const std::vector<int64_t>& reach,
                           int64_t bucket);

}  // namespace qk
