#include "compare/analysis_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/nearest.h"
#include "base/path_text.h"
#include "compare/find_results.h"
#include "report/csv_table_reader.h"
#include "report/record_file.h"

namespace qk {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

int64_t whole(const fs::path& csv, const NumberTable& table, const char* column, size_t row) {
  const double value = table[column][row];
  if (value >= 0 && value <= 1e9 && value == std::floor(value)) return static_cast<int64_t>(value);
  fail("{}: row {}: {}: expected a whole number, found {}", path_text(csv), row + 1, column,
       std::isnan(value) ? "nothing" : fmt::format("{}", value));
}

std::vector<std::string_view> views_of(const std::vector<std::string>& words) {
  return {words.begin(), words.end()};
}

constexpr std::array<std::string_view, 4> kIdColumns = {"layer", "q_head", "k_head", "d_model"};

void refuse_missing(const fs::path& csv, const NumberTable& table,
                    std::span<const std::string_view> columns) {
  for (const std::string_view column : columns) {
    if (table.has(column)) continue;
    fail("{}: expected the table of the heads ({}), found no column {}", path_text(csv),
         kDefaultTable, column);
  }
}

void sort_heads(const fs::path& csv, std::vector<HeadNumbers>& heads) {
  const auto key = [](const HeadNumbers& head) { return std::pair(head.layer, head.q_head); };
  std::ranges::sort(heads, {}, key);
  const auto twice = std::ranges::adjacent_find(heads, {}, key);
  if (twice == heads.end()) return;
  fail("{}: layer {}, query head {} occurs twice", path_text(csv), twice->layer, twice->q_head);
}

bool is_no_metric(std::string_view name) {
  return name == "n_q_tokens" || name == "n_k_tokens" ||
         std::ranges::find(kIdColumns, name) != kIdColumns.end();
}

// Fills metrics and heads from the table of the heads.
void read_heads(AnalysisResults& out) {
  count_whole_rows(out.csv);  // refuses one whose last row may have been cut off
  const std::vector<std::string> header = read_number_table(out.csv, kIdColumns).header;
  std::ranges::remove_copy_if(header, std::back_inserter(out.metrics), is_no_metric);
  std::vector<std::string_view> columns(kIdColumns.begin(), kIdColumns.end());
  const auto metrics = views_of(out.metrics);
  columns.insert(columns.end(), metrics.begin(), metrics.end());
  const NumberTable table = read_number_table(out.csv, columns);
  refuse_missing(out.csv, table, kIdColumns);
  if (std::ranges::find(out.metrics, "ap_overall") == out.metrics.end()) {
    refuse_missing(out.csv, table, std::array<std::string_view, 1>{"ap_overall"});
  }
  for (size_t row = 0; row < table["layer"].size(); ++row) {
    HeadNumbers head{whole(out.csv, table, "layer", row),
                     whole(out.csv, table, "q_head", row),
                     whole(out.csv, table, "k_head", row),
                     whole(out.csv, table, "d_model", row),
                     {}};
    for (const std::string& metric : out.metrics) head.values.push_back(table[metric][row]);
    out.heads.push_back(std::move(head));
  }
  sort_heads(out.csv, out.heads);
}

// Replaces the metrics by the ap_overall of one method: head_methods.csv has a row for each method
// of a head, in the order of the record.
void take_method(const json& record, size_t number, AnalysisResults& out) {
  const fs::path csv = out.csv.parent_path() / table_name(record, "methods");
  refuse_cut_table(csv, record);
  constexpr std::array<std::string_view, 3> kColumns = {"layer", "q_head", "ap_overall"};
  const NumberTable table = read_number_table(csv, kColumns);
  refuse_missing(csv, table, kColumns);
  std::map<std::pair<int64_t, int64_t>, std::vector<double>> by_head;
  for (size_t row = 0; row < table["layer"].size(); ++row) {
    by_head[{whole(csv, table, "layer", row), whole(csv, table, "q_head", row)}].push_back(
        table["ap_overall"][row]);
  }
  out.metrics = {"ap_overall"};
  for (HeadNumbers& head : out.heads) {
    const auto& values = by_head[{head.layer, head.q_head}];
    if (values.size() != out.methods.size()) {
      fail(
          "{}: layer {}, query head {}: expected {} rows, one for each method of the record, found {}",
          path_text(csv), head.layer, head.q_head, out.methods.size(), values.size());
    }
    head.values = {values[number]};
  }
}

void choose_method(const json& record, const std::string& method, AnalysisResults& out) {
  const auto it = std::ranges::find(out.methods, method);
  if (it == out.methods.end()) {
    fail("{}: expected results of the method {}, found those of {}", path_text(out.csv),
         printable(method), one_of(views_of(out.methods)));
  }
  out.method = method;
  if (out.methods.size() == 1) return;
  if (table_name(record, "methods").empty()) {
    fail("{}: its record names no table of the methods", path_text(out.csv));
  }
  take_method(record, static_cast<size_t>(it - out.methods.begin()), out);
}

void read_methods_of(const json& record, AnalysisResults& out) {
  if (record.contains("methods") && record["methods"].is_array()) {
    for (const json& method : record["methods"]) {
      if (method.is_string()) out.methods.push_back(method.get<std::string>());
    }
  } else if (record.contains("method") && record["method"].is_string()) {
    out.methods = {record["method"].get<std::string>()};  // of an earlier version
  }
  if (!out.methods.empty()) out.method = out.methods.front();
}

// Not known if the table is missing or has no rows.
std::optional<int64_t> last_q_bucket_of(const json& record, const AnalysisResults& results) {
  const std::string table = table_name(record, "buckets");
  const fs::path csv = results.csv.parent_path() / table;
  std::error_code error;
  if (table.empty() || !fs::is_regular_file(csv, error)) return {};
  refuse_cut_table(csv, record);
  constexpr std::array<std::string_view, 1> kColumns = {"q_bucket"};
  const NumberTable buckets = read_number_table(csv, kColumns);
  if (!buckets.has("q_bucket") || buckets["q_bucket"].empty()) return {};
  const double highest = *std::ranges::max_element(buckets["q_bucket"]);
  if (!(std::abs(highest) <= 1e15)) return {};
  return static_cast<int64_t>(highest);
}

void read_replicates_of(const json& record, AnalysisResults& out) {
  const std::string name = table_name(record, "replicates");
  std::error_code error;
  const fs::path path = out.csv.parent_path() / name;
  if (name.empty() || out.methods.empty() || !fs::is_regular_file(path, error)) return;
  out.replicates = read_replicates(path);
  for (const HeadNumbers& head : out.heads) {
    for (size_t i = 0; i < out.metrics.size(); ++i) {
      const auto it =
          out.replicates->rows.find({head.layer, head.q_head, out.method, out.metrics[i]});
      if (it == out.replicates->rows.end()) continue;
      const double estimate = it->second.estimate;
      if (estimate == head.values[i] || (std::isnan(estimate) && std::isnan(head.values[i]))) {
        continue;
      }
      fail(
          "{}: belongs to another analysis than {}: layer {}, query head {}, {}: expected {}, "
          "found {}",
          path_text(path), path_text(out.csv), head.layer, head.q_head, out.metrics[i],
          head.values[i], estimate);
    }
  }
}

}  // namespace

AnalysisResults read_results(const fs::path& path, const std::optional<std::string>& method) {
  const FoundResults found = find_results(path);
  AnalysisResults out;
  out.csv = found.csv;
  read_heads(out);
  if (!found.record) {
    if (method) {
      fail("{}: has no record ({}.json), so its methods are not known", path_text(out.csv),
           path_text(out.csv.filename()));
    }
    return out;
  }
  const json& record = *found.record;
  refuse_lost_heads(found, out.heads.size());
  refuse_cut_table(out.csv, record);
  out.has_record = true;
  read_methods_of(record, out);
  if (method) choose_method(record, *method, out);
  out.settings = settings_of(record, out.method);
  out.last_q_bucket = last_q_bucket_of(record, out);
  read_replicates_of(record, out);
  return out;
}

}  // namespace qk
