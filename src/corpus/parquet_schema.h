// The columns of a Parquet file by its footer.
#pragma once

#include <filesystem>
#include <vector>

#include "corpus/corpus_columns.h"

namespace qk {

// Throws Error: unreadable or damaged.
std::vector<CorpusColumn> parquet_columns(const std::filesystem::path& path);

}  // namespace qk
