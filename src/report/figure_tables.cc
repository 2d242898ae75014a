#include "report/figure_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string_view>

#include "base/error.h"
#include "report/csv_table_reader.h"

namespace qk {
namespace {

constexpr double kLargestValue = 1e100;
constexpr std::string_view kBucketTable = "head_bucket_plasticity.csv";
constexpr std::string_view kComponentTable = "head_component_weights.csv";

// One table with its value column, row by row.
class Rows {
 public:
  Rows(const std::filesystem::path& path, NumberTable table, std::string_view value_column)
      : path_(path), table_(std::move(table)), value_column_(value_column) {
    const std::vector<double>& values = table_[value_column];
    for (size_t row = 0; row < values.size(); ++row) {
      if (std::isnan(values[row])) continue;
      if (!(std::abs(values[row]) <= kLargestValue)) {
        refuse(row, value_column, "a finite number", values[row]);
      }
      rows_.push_back(row);
    }
    if (rows_.empty()) {
      fail("{}: column {} has no value: there is nothing to draw", path.string(), value_column);
    }
  }

  const std::vector<size_t>& numbers() const { return rows_; }
  double value(size_t row) const { return table_[value_column_][row]; }

  int64_t integer(std::string_view column, size_t row) const {
    const double value = table_[column][row];
    constexpr double kLargest = 1e9;
    if (std::isnan(value) || value != std::floor(value)) refuse(row, column, "an integer", value);
    if (std::abs(value) > kLargest) refuse(row, column, "an integer of at most 10^9", value);
    return static_cast<int64_t>(value);
  }

 private:
  [[noreturn]] void refuse(size_t row, std::string_view column, std::string_view expected,
                           double found) const {
    fail("{}: row {}: {}: expected {}, found {}", path_.string(), row + 1, column, expected,
         std::isnan(found) ? "nothing" : fmt::format("{}", found));
  }

  std::filesystem::path path_;
  NumberTable table_;
  std::string_view value_column_;
  std::vector<size_t> rows_;
};

std::vector<std::string_view> missing(const NumberTable& table,
                                      std::span<const std::string_view> columns) {
  std::vector<std::string_view> out;
  for (const std::string_view column : columns) {
    if (!table.has(column)) out.push_back(column);
  }
  return out;
}

// What `qkscope analyze` calls the table, by a column that only it has; or empty.
std::string_view table_name(const NumberTable& table) {
  constexpr std::array<std::array<std::string_view, 2>, 4> kNames = {
      {{"ap_overall", "head_metrics.csv"},
       {"ci_low", "head_metrics_ci.csv"},
       {"component_weight", kComponentTable},
       {"ap_bucket", kBucketTable}}};
  for (const auto& [column, name] : kNames) {
    if (std::find(table.header.begin(), table.header.end(), column) != table.header.end()) {
      return name;
    }
  }
  return "";
}

// `wanted`: the table that the figure is drawn from.
[[noreturn]] void refuse_missing(const std::filesystem::path& path, const NumberTable& table,
                                 const std::vector<std::string_view>& columns,
                                 std::string_view wanted) {
  const std::string_view found = table_name(table);
  if (!found.empty() && found != wanted) {
    fail("{}: has the columns of {}; this figure is drawn from {}", path.string(), found, wanted);
  }
  fail("{}: has no column {} (it has {})", path.string(), fmt::join(columns, ", "),
       printable(fmt::format("{}", fmt::join(table.header, ", ")), 300));
}

Rows read_rows(const std::filesystem::path& path, std::span<const std::string_view> columns,
               std::string_view wanted) {
  NumberTable table = read_number_table(path, columns);
  const auto absent = missing(table, columns);
  if (!absent.empty()) refuse_missing(path, table, absent, wanted);
  return {path, std::move(table), columns.back()};
}

}  // namespace

std::vector<HeadBucketRow> read_head_bucket_rows(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 7> kColumns = {
      "layer", "q_head", "k_head", "q_bucket", "k_bucket", "bucket", "ap_bucket"};
  constexpr std::array<std::string_view, 6> kNew = {"layer",    "q_head",   "k_head",
                                                    "q_bucket", "k_bucket", "ap_bucket"};
  constexpr std::array<std::string_view, 5> kOld = {"layer", "q_head", "k_head", "bucket",
                                                    "ap_bucket"};
  NumberTable table = read_number_table(path, kColumns);
  const bool is_new = missing(table, kNew).empty();
  if (!is_new && !missing(table, kOld).empty()) {
    refuse_missing(path, table, missing(table, kNew), kBucketTable);
  }
  const std::string_view bucket = is_new ? "q_bucket" : "bucket";
  const Rows rows(path, std::move(table), "ap_bucket");
  std::vector<HeadBucketRow> out;
  out.reserve(rows.numbers().size());
  for (const size_t row : rows.numbers()) {
    const HeadId head = {rows.integer("layer", row), rows.integer("q_head", row),
                         rows.integer("k_head", row)};
    out.push_back({head, rows.integer(bucket, row), rows.value(row)});
  }
  return out;
}

std::vector<BucketPairRow> read_bucket_pair_rows(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 3> kColumns = {"q_bucket", "k_bucket", "ap_bucket"};
  const Rows rows = read_rows(path, kColumns, kBucketTable);
  std::vector<BucketPairRow> out;
  out.reserve(rows.numbers().size());
  for (const size_t row : rows.numbers()) {
    out.push_back({rows.integer("q_bucket", row), rows.integer("k_bucket", row), rows.value(row)});
  }
  return out;
}

std::vector<ComponentRow> read_component_rows(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 2> kColumns = {"component", "component_weight"};
  const Rows rows = read_rows(path, kColumns, kComponentTable);
  std::vector<ComponentRow> out;
  out.reserve(rows.numbers().size());
  for (const size_t row : rows.numbers()) {
    out.push_back({rows.integer("component", row), rows.value(row)});
  }
  return out;
}

double aggregate(std::vector<double> values, Aggregate kind) {
  QK_CHECK(!values.empty());
  if (kind == Aggregate::kMean) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  }
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

}  // namespace qk
