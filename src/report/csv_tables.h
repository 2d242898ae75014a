// The CSV files of an analysis: same columns, order and text as the original's (docs/analysis.md,
// "What comes out"). Rows are written as heads arrive; a file appears once it is complete.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/atomic_file.h"
#include "plasticity/head_metrics.h"
#include "report/packed_text.h"

namespace qk {

class CsvTable {
 public:
  // Creates the parent folder and the temporary file. A name such as m.csv.gz makes a packed file
  // (packed_text.h), whose text is in memory until flush(). Throws Error if it cannot, or if the
  // name has the suffix of a packing that is not written.
  CsvTable(const std::filesystem::path& path, const std::string& header);
  void append(const std::string& lines);
  // Writes and syncs all rows to the temporary file. Throws Error.
  void flush();
  // Renames it into place; a table without a row is not written. Throws Error. REQUIRES: flush().
  void finish();

  const std::filesystem::path& path() const { return path_; }
  bool has_rows() const { return has_rows_; }

 private:
  std::filesystem::path path_;
  Packing packing_;
  AtomicFile file_;
  std::string buffer_;
  bool has_rows_ = false;
};

struct CsvPaths {
  std::filesystem::path heads;
  std::filesystem::path buckets;
  std::filesystem::path components;
  std::filesystem::path intervals{};  // empty: no error bars
  std::string method{};               // the column of the intervals
};

class CsvTables {
 public:
  explicit CsvTables(const CsvPaths& paths);
  void add(const HeadMetrics& head);
  // Renames the files with rows into place, once all of them are complete on the disk. Throws
  // Error.
  void finish();

  const CsvTable& heads() const { return heads_; }
  const CsvTable& buckets() const { return buckets_; }
  const CsvTable& components() const { return components_; }
  // nullptr without error bars.
  const CsvTable* intervals() const { return intervals_ ? &*intervals_ : nullptr; }

 private:
  CsvTable heads_;
  CsvTable buckets_;
  CsvTable components_;
  std::optional<CsvTable> intervals_;
  std::string method_;
};

}  // namespace qk
