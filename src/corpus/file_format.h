// What kind of document file a name stands for. Only the name counts: "train.v2.jsonl.gz" is JSON.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/data_files.h"

namespace qk {

enum class FileFormat : uint8_t {
  kParquet,  // .parquet .geoparquet .gpq
  kJson,     // .jsonl .json .ndjson
  kText,     // .txt
};

// ".parquet, .jsonl, .json, .ndjson, .txt": for messages.
std::string_view readable_extensions();

// The format of one file by its rightmost known extension; nothing if it has none we read.
std::optional<FileFormat> format_of(std::string_view file_name);

// The reader `datasets` chooses for splits of a folder: the most frequent extension of a split's
// first 200 files (all extensions of a name count; ties: parquet, jsonl, json, csv), the same one
// for all splits. Files of other kinds are taken out of the splits. Throws Error that begins
// with `where`: nothing readable there, a kind that is not supported, splits of different kinds.
FileFormat choose_format(const std::string& where, std::vector<SplitFiles>& splits);

}  // namespace qk
