// The CSV files of an analysis (docs/analysis.md, "What comes out"). Rows are written as heads arrive; a file appears once it is complete.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "analysis/mean_curves.h"
#include "analysis/mean_trends.h"
#include "base/atomic_file.h"
#include "plasticity/head_metrics.h"
#include "report/head_tables.h"
#include "report/packed_text.h"

namespace qk {

class CsvTable {
 public:
  // Creates the parent folder and the temporary file. A name such as m.csv.gz makes a packed file
  // (packed_text.h), whose text is in memory until flush(). Throws Error if it cannot, or if the
  // name has the suffix of a packing that is not written.
  CsvTable(const std::filesystem::path& path, const std::string& header);
  // Whole lines, none of which has a line break within a cell.
  void append(const std::string& lines);
  // Writes and syncs all rows to the temporary file. Throws Error.
  void flush();
  // Renames it into place; a table without a row is not written. Throws Error. REQUIRES: flush().
  void finish();

  const std::filesystem::path& path() const { return path_; }
  bool has_rows() const { return num_rows_ > 0; }
  int64_t num_rows() const { return num_rows_; }

 private:
  std::filesystem::path path_;
  Packing packing_;
  AtomicFile file_;
  std::string buffer_;
  int64_t num_rows_ = 0;
};

// A table of the run: its name in the record (OutputTable) and its file.
struct TablePath {
  std::string record;
  std::filesystem::path path;
};

class CsvTables {
 public:
  // REQUIRES: every name is one of head_table_formats() "curves" or "mean_trends".
  // Throws Error as CsvTable.
  explicit CsvTables(std::span<const TablePath> tables);
  void add(const HeadMetrics& head);
  // After the last head: the means over heads.
  void end_heads();
  // Completes all files on the disk, under their temporary names. Throws Error. REQUIRES:
  // end_heads().
  void flush();
  // Renames the files with rows into place. Throws Error. REQUIRES: flush().
  void finish();
  // The number of rows of every table, by its name in the record.
  std::vector<std::pair<std::string, int64_t>> row_counts() const;

  // In the order in which they were given.
  std::span<const std::unique_ptr<CsvTable>> tables() const { return tables_; }

 private:
  std::vector<std::unique_ptr<CsvTable>> tables_;
  std::vector<HeadTableFormat> formats_;  // beside tables_
  MeanCurves curves_;
  CsvTable* curve_table_ = nullptr;  // one of tables_, or none
  MeanTrends trends_;
  CsvTable* trend_table_ = nullptr;  // likewise
};

}  // namespace qk
