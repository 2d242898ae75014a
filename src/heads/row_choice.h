// Which rows and vectors of a dataset an analysis reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "heads/head_catalog.h"

namespace qk {

// What the configuration says. None: as the files have it.
struct RowWishes {
  std::optional<VectorKind> vector;
  std::optional<int64_t> bucket_width;                // tokens, at least 1
  std::optional<std::vector<std::string>> documents;  // names or example ids
};

// Fills catalog.rows, and replaces catalog.ranges if there is a bucket_width. Ids of documents are
// read on the pool. Throws Error: the dataset has no such vectors, or a document is unknown,
// ambiguous, or none of them has rows.
void choose_rows(const RowWishes& wishes, bool compat_reference, ThreadPool& pool,
                 HeadCatalog& catalog);

}  // namespace qk
