// documents.parquet at the dataset's root: a row for each document of the run, in order, with what
// the corpus calls it and what was captured of it. Specified in docs/dataset-format.md, "Documents".
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "journal/journal_set.h"

namespace qk {

inline constexpr std::string_view kDocumentTable = "documents.parquet";

struct DocumentRow {
  int64_t example_id = 0;
  std::string document;    // Document::name of the corpus; UTF-8
  int64_t tokens = 0;      // as cut to max_length; 0 of a document that was skipped
  bool truncated = false;  // it had more tokens
  int64_t rows = 0;        // of the document, summed over all heads
  bool operator==(const DocumentRow&) const = default;
};
using DocumentTable = std::vector<DocumentRow>;

// The documents of the journals. REQUIRES: they are numbered 0, 1, ..., and `names` has one name
// for each.
DocumentTable document_table(const JournalSet& journal, std::vector<std::string> names);

// Writes and syncs `path` (an existing file is replaced); `footer` are its key-value pairs. Throws
// Error with the path; the unfinished file stays for the caller to remove. The same table gives the
// same bytes.
void write_document_table(const std::filesystem::path& path, const DocumentTable& table,
                          const std::vector<std::pair<std::string, std::string>>& footer);

// The table of a dataset; empty if `folder` has none: no documents.parquet, or one that has nothing
// to do with a dataset (neither Qkscope's footer nor the columns example_id and document). Columns
// are found by name, further ones are ignored. Throws Error with the path if the file is damaged, or
// a column is missing, has another type or nulls.
std::optional<DocumentTable> read_document_table(const std::filesystem::path& folder);

// The same of a file. Empty: it is not a dataset's.
std::optional<DocumentTable> read_document_file(const std::filesystem::path& path);

// Whether folder/documents.parquet is there and not a dataset's: a link, not Parquet, or as above.
bool has_foreign_document_table(const std::filesystem::path& folder);

}  // namespace qk
