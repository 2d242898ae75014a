// Proves the Parquet files of one head: reads every row and notes what the files hold. Rows for
// use come from dataset/head_rows.h. Threads: safe for different heads at once.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dataset/canary.h"
#include "dataset/dataset_reader.h"

namespace qk {

// Reads the only file of a head into `info`, except bucket_documents, whose ids take memory. Throws
// Error with what is wrong, without the path.
void inspect_head_file(const std::filesystem::path& file, HeadInfo& info, RowWatch& watch);

// Fills `info` from the files of `folder` as far as they can be read; `problems` are what lies there
// unread and each file's first fault. Further files must match the first (vector length, footer).
void inspect_head(const std::filesystem::path& folder, HeadInfo& info,
                  std::vector<DatasetProblem>& problems, RowWatch& watch);

}  // namespace qk
