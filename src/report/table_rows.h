// The rows of one table of an analysis, for figures: fields by column, refused with their place.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "heads/head_id.h"
#include "report/csv_table_reader.h"

namespace qk {

struct TableColumns {
  std::string_view table;  // what `qkscope analyze` calls it
  std::span<const std::string_view> numbers;
  std::span<const std::string_view> texts{};
  std::string_view value;  // one of `numbers`: rows without it are left out
};

class TableRows {
 public:
  // Throws Error: the file is not a CSV table, lacks one of the columns, has no row with a value, or
  // an infinite one.
  TableRows(const std::filesystem::path& path, const TableColumns& columns);
  TableRows(const std::filesystem::path& path, NumberTable table, std::string_view value_column);

  const std::vector<size_t>& numbers() const { return rows_; }  // of the rows with a value
  double value(size_t row) const { return table_[value_column_][row]; }
  std::string_view text(std::string_view column, size_t row) const {
    return table_.text(column, row);
  }
  // Throws Error: empty, not an integer, beyond 10^9.
  int64_t integer(std::string_view column, size_t row) const;
  // Nothing if the field is empty. Throws Error: an infinite number.
  std::optional<double> number(std::string_view column, size_t row) const;
  // Columns layer, q_head, k_head.
  HeadId head(size_t row) const;

 private:
  [[noreturn]] void refuse(size_t row, std::string_view column, std::string_view expected,
                           double found) const;
  void keep_rows_with_values();

  std::filesystem::path path_;
  NumberTable table_;
  std::string_view value_column_;
  std::vector<size_t> rows_;
};

// Throws Error: the columns that the table lacks, or which other table of an analysis it is.
// `wanted`: the table that the figure is drawn from.
[[noreturn]] void refuse_columns(const std::filesystem::path& path, const NumberTable& table,
                                 const std::vector<std::string_view>& columns,
                                 std::string_view wanted);

// Those of the columns that the table lacks.
std::vector<std::string_view> missing_columns(const NumberTable& table,
                                              std::span<const std::string_view> columns);

}  // namespace qk
