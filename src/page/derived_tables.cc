#include "page/derived_tables.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "page/decoded_table.h"
#include "page/page_summary.h"

namespace qk {
namespace {

constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();

constexpr std::array<const char*, 8> kOfPositions = {"q_bucket",   "position_from", "position_to",
                                                     "drift_mean", "drift_line",    "drift_sd",
                                                     "queries",    "documents"};

// A row of the table "drift" by the names of its columns.
using DriftRow = std::map<std::string, double>;

double or_zero(double value) { return std::isnan(value) ? 0 : value; }

DriftRow with_ends(DriftRow row) {
  row["drift_low"] = row["drift_mean"] - row["drift_sd"];
  row["drift_high"] = row["drift_mean"] + row["drift_sd"];
  const double apart = std::abs(row["drift_mean"] - row["drift_line"]) / row["drift_sd"];
  const bool is_sure = row["documents"] >= kFewBehind && std::isfinite(apart);
  row["apart"] = is_sure ? apart : 0;
  return row;
}

// The bucket before those of `rows`; `all`: queries of the head. Without queries: there is none.
DriftRow first_bucket(std::vector<DriftRow>& rows, double all) {
  const auto sum = [&](const char* name) {
    double total = 0;
    for (DriftRow& row : rows) total += row["queries"] * (name == nullptr ? 1 : row[name]);
    return total;
  };
  const double queries = all - sum(nullptr);
  if (!(queries > 0 && rows.front()["position_from"] > 0)) return {};
  return {{"q_bucket", rows.front()["q_bucket"] - 1},
          {"position_from", 0},
          {"position_to", rows.front()["position_from"] - 1},
          {"drift_mean", -sum("drift_mean") / queries},
          {"drift_line", -sum("drift_line") / queries},
          {"drift_sd", kAbsent},
          {"queries", queries},
          {"documents", kAbsent}};
}

Table table_of(const std::vector<DriftRow>& rows) {
  Table out;
  out.num_rows = rows.size();
  for (const auto& first : rows.empty() ? DriftRow() : rows.front()) {
    std::vector<double> values;
    values.reserve(rows.size());
    for (const DriftRow& row : rows) values.push_back(row.at(first.first));
    out.columns.emplace_back(first.first, number_column(values));
  }
  return out;
}

// The pairs of a head in a table of all.
struct PairSums {
  double still = 0;
  double still_variance = 0;
};

PairSums add_up(DecodedTable& pairs, std::vector<size_t> rows, std::vector<double>& added,
                std::vector<double>& cumulative) {
  const auto& variance = pairs.numbers("variance_share");
  const auto& floor = pairs.numbers("floor");
  const auto& bucket_r2 = pairs.numbers("bucket_R2");
  const auto& wavelength = pairs.numbers("wavelength");
  double chance = 0;
  for (const size_t row : rows) chance += or_zero(variance[row] * floor[row]);
  for (const size_t row : rows) {
    added[row] = variance[row] * (bucket_r2[row] - floor[row]) / (1 - chance);
  }
  PairSums out;
  const auto turns = [&](size_t row) { return wavelength[row] > 0; };
  const auto still = std::ranges::stable_partition(rows, turns);
  for (const size_t row : still) {
    if (!std::isfinite(added[row])) continue;
    out.still += added[row];
    out.still_variance += or_zero(variance[row]);
  }
  rows.resize(rows.size() - still.size());
  std::ranges::stable_sort(rows, {}, [&](size_t row) { return wavelength[row]; });
  double sum = 0;
  for (const size_t row : rows) cumulative[row] = sum += or_zero(added[row]);
  return out;
}

}  // namespace

void add_drift(NamedTables& tables, const std::string& method) {
  Table* found = table_named(tables, "positions");
  if (found == nullptr) return;
  DecodedTable positions(found);
  DecodedTable heads(table_named(tables, "heads"));
  auto heads_by_key = rows_by_head(heads);
  std::vector<DriftRow> out;
  for (const auto& [key, rows] : rows_by_head(positions)) {
    std::vector<DriftRow> of_head;
    for (const size_t row : rows) {
      const bool is_of_all = std::isnan(positions.numbers("reach")[row]);
      if (!is_of_all || positions.texts("method")[row] != method) continue;
      DriftRow drift;
      for (const char* name : kOfPositions) drift[name] = positions.numbers(name)[row];
      if (std::isfinite(drift["drift_mean"])) of_head.push_back(std::move(drift));
    }
    if (of_head.empty()) continue;
    const double all = heads.numbers("n_q_tokens")[heads_by_key[key].front()];
    DriftRow first = first_bucket(of_head, all);
    if (!first.empty()) of_head.insert(of_head.begin(), std::move(first));
    for (DriftRow& row : of_head) {
      row["layer"] = key.first;
      row["q_head"] = key.second;
      out.push_back(with_ends(std::move(row)));
    }
  }
  std::erase_if(found->columns,
                [](const auto& column) { return column.first.starts_with("drift_"); });
  tables.emplace_back("drift", table_of(out));
}

void unite_cells(NamedTables& tables, const std::string& method) {
  const auto cells = std::ranges::find(tables, "cells", &NamedTables::value_type::first);
  if (cells == tables.end()) return;
  if (table_named(tables, "details") != nullptr) {
    tables.erase(cells);
    return;
  }
  cells->first = "details";
  const std::vector<std::string> methods(cells->second.num_rows, method);
  cells->second.columns.emplace_back("method", text_column(methods));
}

void add_verdicts(NamedTables& tables) {
  Table* found = table_named(tables, "trends");
  if (found == nullptr) return;
  DecodedTable trends(found);
  const auto& low = trends.numbers("ci_low");
  const auto& high = trends.numbers("ci_high");
  std::vector<std::string> verdicts;
  verdicts.reserve(found->num_rows);
  for (size_t row = 0; row < found->num_rows; ++row) {
    verdicts.emplace_back(std::isnan(low[row] + high[row]) ? "unknown"
                          : low[row] > 0                   ? "rises"
                          : high[row] < 0                  ? "falls"
                                                           : "flat");
  }
  found->columns.emplace_back("verdict", text_column(verdicts));
}

void add_spectrum(NamedTables& tables) {
  Table* found = table_named(tables, "rope_pairs");
  if (found == nullptr) return;
  DecodedTable pairs(found);
  Table& heads = *table_named(tables, "heads");
  DecodedTable decoded(&heads);
  auto heads_by_key = rows_by_head(decoded);
  std::vector<double> added(found->num_rows, kAbsent);
  std::vector<double> cumulative(found->num_rows, kAbsent);
  std::vector<double> still(heads.num_rows, 0);
  std::vector<double> still_variance(heads.num_rows, 0);
  for (const auto& [key, rows] : rows_by_head(pairs)) {
    const PairSums sums = add_up(pairs, rows, added, cumulative);
    const size_t head = heads_by_key[key].front();
    still[head] = sums.still;
    still_variance[head] = sums.still_variance;
  }
  found->columns.emplace_back("added", float_column(added));
  found->columns.emplace_back("cumulative", float_column(cumulative));
  heads.columns.emplace_back("still", float_column(still));
  heads.columns.emplace_back("still_variance", float_column(still_variance));
}

}  // namespace qk
