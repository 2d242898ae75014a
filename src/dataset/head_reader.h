// Reads the Parquet files of one head, every row of them. Threads: safe for different heads at
// once.
#pragma once

#include <filesystem>
#include <vector>

#include "dataset/dataset_reader.h"

namespace qk {

// Fills `info` from the files of `folder` as far as they can be read; each file's first fault is
// added to `problems`. A file after another must fit to it (vector length, footer).
void read_head(const std::filesystem::path& folder, HeadInfo& info,
               std::vector<DatasetProblem>& problems);

}  // namespace qk
