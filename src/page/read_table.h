// A table of an analysis, proven and encoded.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include "page/column.h"
#include "page/head_choice.h"
#include "page/table_kinds.h"

namespace qk {

struct PageFile {
  std::string name;
  int64_t bytes = 0;
  std::string sha256;
  std::string table;  // that it holds, as in table_kinds(), or "profiles"
};

struct ReadTable {
  Table table;  // rows of the chosen heads
  PageFile file;
  size_t num_heads = 0;  // with rows
};

// The heads of the table of the heads. Throws Error: none, or one that occurs twice.
std::set<HeadId> read_all_heads(const std::filesystem::path& path);

// Throws Error with file, row and column as read_page_analysis(). `heads`: of the table of the heads.
ReadTable read_page_table(const std::filesystem::path& path, const TableKind& kind,
                          const std::set<HeadId>& heads, const HeadChoice& choice);

// Throws Error if the file cannot be read.
PageFile file_of(const std::filesystem::path& path, std::string_view table);

}  // namespace qk
