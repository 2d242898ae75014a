#include "report/figure_tables.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>

#include "base/error.h"
#include "report/table_rows.h"

namespace qk {
namespace {

constexpr std::string_view kBucketTable = "head_bucket_plasticity.csv";
constexpr std::string_view kComponentTable = "head_component_weights.csv";

// The columns, and those of the head if the filter asks for some heads only.
std::vector<std::string_view> with_head(std::span<const std::string_view> columns,
                                        const HeadFilter& filter) {
  std::vector<std::string_view> out(columns.begin(), columns.end());
  if (!filter.is_open()) out.insert(out.begin(), {"layer", "q_head", "k_head"});
  return out;
}

bool is_wanted(const TableRows& rows, size_t row, const HeadFilter& filter) {
  return filter.is_open() || filter.has(rows.head(row));
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
  const bool is_new = missing_columns(table, kNew).empty();
  if (!is_new && !missing_columns(table, kOld).empty()) {
    refuse_columns(path, table, missing_columns(table, kNew), kBucketTable);
  }
  const std::string_view bucket = is_new ? "q_bucket" : "bucket";
  const TableRows rows(path, std::move(table), "ap_bucket");
  std::vector<HeadBucketRow> out;
  out.reserve(rows.numbers().size());
  for (const size_t row : rows.numbers()) {
    out.push_back({rows.head(row), rows.integer(bucket, row), rows.value(row)});
  }
  return out;
}

void check_bucket_table(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 3> kPair = {"q_bucket", "k_bucket", "ap_bucket"};
  constexpr std::array<std::string_view, 2> kOld = {"bucket", "ap_bucket"};
  constexpr std::array<std::string_view, 4> kAll = {"q_bucket", "k_bucket", "bucket", "ap_bucket"};
  const NumberTable table = read_number_table(path, kAll);
  const auto absent = missing_columns(table, kPair);
  if (!absent.empty() && !missing_columns(table, kOld).empty()) {
    refuse_columns(path, table, absent, kBucketTable);
  }
}

std::vector<BucketPairRow> read_bucket_pair_rows(const std::filesystem::path& path,
                                                 const HeadFilter& filter) {
  constexpr std::array<std::string_view, 3> kColumns = {"q_bucket", "k_bucket", "ap_bucket"};
  const TableRows rows(path, {kBucketTable, with_head(kColumns, filter), {}, "ap_bucket"});
  std::vector<BucketPairRow> out;
  out.reserve(rows.numbers().size());
  for (const size_t row : rows.numbers()) {
    if (!is_wanted(rows, row, filter)) continue;
    out.push_back({rows.integer("q_bucket", row), rows.integer("k_bucket", row), rows.value(row)});
  }
  if (out.empty()) refuse_empty_filter(filter);
  return out;
}

std::vector<ComponentRow> read_component_rows(const std::filesystem::path& path,
                                              const HeadFilter& filter) {
  constexpr std::array<std::string_view, 2> kColumns = {"component", "component_weight"};
  const TableRows rows(path,
                       {kComponentTable, with_head(kColumns, filter), {}, "component_weight"});
  std::vector<ComponentRow> out;
  out.reserve(rows.numbers().size());
  for (const size_t row : rows.numbers()) {
    if (!is_wanted(rows, row, filter)) continue;
    out.push_back({rows.integer("component", row), rows.value(row)});
  }
  if (out.empty()) refuse_empty_filter(filter);
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
