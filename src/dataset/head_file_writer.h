// Writes the Parquet file of one head from the journals, one row group and one column in memory at
// a time. Threads: safe for different heads at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>

#include "dataset/dataset_writer.h"
#include "dataset/head_records.h"
#include "journal/journal_set.h"

namespace qk {

struct HeadFileSummary {
  int64_t rows = 0;
  int64_t bytes = 0;
  std::map<int32_t, int64_t> bucket_counts;
  uint64_t rows_digest = 0;  // of bucket, example id and position, in row order
};

// Writes and syncs `path`; an existing file is removed first. Throws Error with the path and the
// reason; the unfinished file stays for the caller to remove.
HeadFileSummary write_head_file(const JournalSet& journal, const HeadRecords& head,
                                const std::filesystem::path& path, const DatasetOptions& options);

}  // namespace qk
