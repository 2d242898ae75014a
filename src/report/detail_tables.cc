#include "report/detail_tables.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "base/error.h"
#include "report/table_rows.h"

namespace qk {
namespace {

using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 11> kCellNumbers = {
    "layer", "q_head", "k_head", "q_bucket",  "k_bucket", "q_from",
    "q_to",  "k_from", "k_to",   "documents", "ap_bucket"};
constexpr std::array<std::string_view, 1> kMethod = {"method"};
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

BucketBounds bounds_of(const TableRows& rows, size_t row, std::string_view from,
                       std::string_view to) {
  return {rows.number(from, row).value_or(kUnknown), rows.number(to, row).value_or(kUnknown)};
}

std::optional<LowHigh> interval_of(const TableRows& rows, size_t row) {
  const auto low = rows.number("ci_low", row);
  const auto high = rows.number("ci_high", row);
  if (!low || !high) return std::nullopt;
  return LowHigh(*low, *high);
}

double documents_of(const TableRows& rows, size_t row) {
  return rows.number("documents", row).value_or(kUnknown);
}

// The curve that a row of mean_curves.csv belongs to.
TableCurve& curve_of_row(std::vector<TableCurve>& curves, const TableRows& rows, size_t row) {
  std::optional<int64_t> reach;
  if (rows.number("reach", row)) reach = rows.integer("reach", row);
  const auto is_of_row = [&](const TableCurve& curve) {
    return curve.curve == rows.text("curve", row) && curve.heads == rows.text("heads", row) &&
           curve.method == rows.text("method", row) && curve.reach == reach;
  };
  const auto found = std::find_if(curves.rbegin(), curves.rend(), is_of_row);
  if (found != curves.rend()) return *found;
  curves.push_back({std::string(rows.text("curve", row)),
                    std::string(rows.text("heads", row)),
                    std::string(rows.text("method", row)),
                    reach,
                    {}});
  return curves.back();
}

}  // namespace

std::vector<CellRow> read_cell_rows(const std::filesystem::path& path) {
  const TableRows rows(path, {"head_bucket_details.csv", kCellNumbers, kMethod, "ap_bucket"});
  std::vector<CellRow> out;
  out.reserve(rows.numbers().size());
  for (const size_t row : rows.numbers()) {
    out.push_back({rows.head(row), std::string(rows.text("method", row)),
                   rows.integer("q_bucket", row), rows.integer("k_bucket", row),
                   bounds_of(rows, row, "q_from", "q_to"), bounds_of(rows, row, "k_from", "k_to"),
                   documents_of(rows, row), rows.value(row)});
  }
  return out;
}

bool is_detail_table(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 2> kOwn = {"q_from", "k_from"};
  return missing_columns(read_number_table(path, kOwn), kOwn).empty();
}

std::vector<TableCurve> read_mean_curves(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 10> kNumbers = {
      "reach",     "bucket",    "center", "from",    "to",
      "num_heads", "documents", "ci_low", "ci_high", "ap_mean"};
  constexpr std::array<std::string_view, 3> kTexts = {"curve", "heads", "method"};
  const TableRows rows(path, {"mean_curves.csv", kNumbers, kTexts, "ap_mean"});
  std::vector<TableCurve> out;
  for (const size_t row : rows.numbers()) {
    const int64_t bucket = rows.integer("bucket", row);
    const double center = rows.number("center", row).value_or(kUnknown);
    curve_of_row(out, rows, row)
        .points.push_back({bucket, center, bounds_of(rows, row, "from", "to"), rows.value(row),
                           interval_of(rows, row), documents_of(rows, row),
                           rows.number("num_heads", row).value_or(kUnknown)});
  }
  for (TableCurve& curve : out) {
    std::stable_sort(curve.points.begin(), curve.points.end(),
                     [](const auto& a, const auto& b) { return a.bucket < b.bucket; });
  }
  return out;
}

std::vector<TrendRow> read_trend_rows(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 7> kNumbers = {"layer",  "q_head",  "k_head", "reach",
                                                        "ci_low", "ci_high", "slope"};
  constexpr std::array<std::string_view, 2> kTexts = {"method", "trend"};
  const TableRows rows(path, {"head_trends.csv", kNumbers, kTexts, "slope"});
  std::vector<TrendRow> out;
  for (const size_t row : rows.numbers()) {
    if (rows.number("reach", row)) continue;
    out.push_back({rows.head(row), std::string(rows.text("method", row)),
                   std::string(rows.text("trend", row)), rows.value(row), interval_of(rows, row)});
  }
  return out;
}

std::vector<PositionRow> read_position_rows(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 8> kNumbers = {"layer",       "q_head",   "k_head",
                                                        "reach",       "q_bucket", "position_from",
                                                        "position_to", "documents"};
  const TableRows rows(path, {"head_positions.csv", kNumbers, kMethod, "documents"});
  std::vector<PositionRow> out;
  for (const size_t row : rows.numbers()) {
    if (rows.number("reach", row)) continue;
    out.push_back({rows.head(row), std::string(rows.text("method", row)),
                   rows.integer("q_bucket", row),
                   bounds_of(rows, row, "position_from", "position_to"), rows.value(row)});
  }
  return out;
}

std::map<HeadId, std::optional<int64_t>> read_windows(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 4> kNumbers = {"window", "layer", "q_head", "k_head"};
  const TableRows rows(path, {"head_diagnostics.csv", kNumbers, {}, "k_head"});
  std::map<HeadId, std::optional<int64_t>> out;
  for (const size_t row : rows.numbers()) {
    auto& window = out[rows.head(row)];
    if (rows.number("window", row)) window = rows.integer("window", row);
  }
  return out;
}

std::vector<RopePairRow> read_rope_pair_rows(const std::filesystem::path& path,
                                             const std::string& column) {
  const std::array<std::string_view, 6> numbers = {"layer",      "q_head", "k_head",
                                                   "wavelength", "floor",  column};
  constexpr std::array<std::string_view, 1> kSet = {"rope_set"};
  const TableRows rows(path, {"head_rope_pairs.csv", numbers, kSet, numbers.back()});
  std::vector<RopePairRow> out;
  for (const size_t row : rows.numbers()) {
    const auto wavelength = rows.number("wavelength", row);
    if (!wavelength) continue;  // of components that do not turn
    if (!(*wavelength > 0)) {
      fail("{}: row {}: wavelength: expected a number above 0, found {}", path.string(), row + 1,
           *wavelength);
    }
    out.push_back({rows.head(row), std::string(rows.text("rope_set", row)), *wavelength,
                   rows.value(row), rows.number("floor", row)});
  }
  if (out.empty()) {
    fail("{}: no pair of components has a wavelength: there is nothing to draw", path.string());
  }
  return out;
}

}  // namespace qk
