#include "report/table_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace qk {
namespace {

constexpr double kLargestValue = 1e100;

// What `qkscope analyze` calls the table, by a column that no table further down has; or empty.
std::string_view table_name(const NumberTable& table) {
  constexpr std::array<std::array<std::string_view, 2>, 12> kNames = {
      {{"num_rising", "mean_trends.csv"},
       {"trend", "head_trends.csv"},
       {"curve", "mean_curves.csv"},
       {"against", "head_methods.csv"},
       {"wavelength", "head_rope_pairs.csv"},
       {"position_share", "head_diagnostics.csv"},
       {"k_from", "head_bucket_details.csv"},
       {"position_from", "head_positions.csv"},
       {"ap_overall", "head_metrics.csv"},
       {"ci_low", "head_metrics_ci.csv"},
       {"component_weight", "head_component_weights.csv"},
       {"ap_bucket", "head_bucket_plasticity.csv"}}};
  for (const auto& [column, name] : kNames) {
    if (std::find(table.header.begin(), table.header.end(), column) != table.header.end()) {
      return name;
    }
  }
  return "";
}

NumberTable read_columns_of(const std::filesystem::path& path, const TableColumns& columns) {
  NumberTable table = read_number_table(path, columns.numbers, columns.texts);
  std::vector<std::string_view> absent = missing_columns(table, columns.numbers);
  for (const std::string_view name : columns.texts) {
    if (!table.texts.contains(name)) absent.push_back(name);
  }
  if (!absent.empty()) refuse_columns(path, table, absent, columns.table);
  return table;
}

}  // namespace

TableRows::TableRows(const std::filesystem::path& path, const TableColumns& columns)
    : TableRows(path, read_columns_of(path, columns), columns.value) {}

TableRows::TableRows(const std::filesystem::path& path, NumberTable table,
                     std::string_view value_column)
    : path_(path), table_(std::move(table)), value_column_(value_column) {
  keep_rows_with_values();
}

void TableRows::keep_rows_with_values() {
  const std::vector<double>& values = table_[value_column_];
  for (size_t row = 0; row < values.size(); ++row) {
    if (std::isnan(values[row])) continue;
    if (!(std::abs(values[row]) <= kLargestValue)) {
      refuse(row, value_column_, "a finite number", values[row]);
    }
    rows_.push_back(row);
  }
  if (rows_.empty()) {
    fail("{}: column {} has no value: there is nothing to draw", path_.string(), value_column_);
  }
}

int64_t TableRows::integer(std::string_view column, size_t row) const {
  const double value = table_[column][row];
  constexpr double kLargest = 1e9;
  if (std::isnan(value) || value != std::floor(value)) refuse(row, column, "an integer", value);
  if (std::abs(value) > kLargest) refuse(row, column, "an integer of at most 10^9", value);
  return static_cast<int64_t>(value);
}

std::optional<double> TableRows::number(std::string_view column, size_t row) const {
  const double value = table_[column][row];
  if (std::isnan(value)) return std::nullopt;
  if (!(std::abs(value) <= kLargestValue)) refuse(row, column, "a finite number", value);
  return value;
}

HeadId TableRows::head(size_t row) const {
  return {integer("layer", row), integer("q_head", row), integer("k_head", row)};
}

void TableRows::refuse(size_t row, std::string_view column, std::string_view expected,
                       double found) const {
  fail("{}: row {}: {}: expected {}, found {}", path_.string(), row + 1, column, expected,
       std::isnan(found) ? "nothing" : fmt::format("{}", found));
}

std::vector<std::string_view> missing_columns(const NumberTable& table,
                                              std::span<const std::string_view> columns) {
  std::vector<std::string_view> out;
  for (const std::string_view column : columns) {
    if (!table.has(column)) out.push_back(column);
  }
  return out;
}

void refuse_columns(const std::filesystem::path& path, const NumberTable& table,
                    const std::vector<std::string_view>& columns, std::string_view wanted) {
  const std::string_view found = table_name(table);
  if (!found.empty() && found != wanted) {
    fail("{}: has the columns of {}; this figure is drawn from {}", path.string(), found, wanted);
  }
  fail("{}: has no column {} (it has {})", path.string(), fmt::join(columns, ", "),
       printable(fmt::format("{}", fmt::join(table.header, ", ")), 300));
}

}  // namespace qk
