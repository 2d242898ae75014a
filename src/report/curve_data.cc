#include "report/curve_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/nearest.h"
#include "report/curve_check.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

constexpr double kNotCounted = std::numeric_limits<double>::quiet_NaN();

// The table of cells: the one that was given, or that of the analysis.
fs::path cell_table(const fs::path& csv, const AnalysisTables& tables) {
  if (is_detail_table(csv)) return csv;
  return tables.details;
}

std::vector<CellRow> cells_of(const fs::path& csv, const AnalysisTables& tables,
                              const std::string& what) {
  const fs::path table = cell_table(csv, tables);
  if (table.empty()) {
    fail(
        "{}: needs head_bucket_details.csv, which the record beside the table does not name, nor "
        "detail_csv",
        what);
  }
  return read_cell_rows(table);
}

// Those of one method and of the heads, distances and positions that were asked for.
std::vector<CellRow> chosen_cells(const std::vector<CellRow>& cells, const std::string& method,
                                  const BucketScale& scale, const CurveChoice& choice) {
  std::vector<CellRow> out;
  std::copy_if(cells.begin(), cells.end(), std::back_inserter(out),
               [&](const CellRow& cell) { return cell.method == method; });
  keep_heads(out, choice.filter);
  std::erase_if(out, [&](const CellRow& cell) {
    const double distance =
        bucket_center(scale, cell.q_bucket) - bucket_center(scale, cell.k_bucket);
    return (choice.max_distance && distance > *choice.max_distance) ||
           (choice.position_from && !(cell.q_bounds.from >= *choice.position_from)) ||
           (choice.position_to && !(cell.q_bounds.to <= *choice.position_to));
  });
  if (out.empty()) {
    fail(
        "there is nothing to draw: no pair of buckets lies within max_distance, position_from and "
        "position_to");
  }
  return out;
}

// The mean over a head's cells with equal key(cell).
template <typename Key>
std::vector<HeadCurve> curves_of_cells(const std::vector<CellRow>& cells, Key key) {
  std::vector<HeadBucketRow> rows;
  rows.reserve(cells.size());
  for (const CellRow& cell : cells) rows.push_back({cell.head, key(cell), cell.plasticity});
  return head_curves(rows);
}

// By key(cell): the most documents of a cell, in the middle head.
template <typename Key>
std::map<int64_t, double> documents_of_cells(const std::vector<CellRow>& cells, Key key) {
  std::map<int64_t, std::map<HeadId, double>> most;
  for (const CellRow& cell : cells) {
    if (std::isnan(cell.documents)) continue;
    double& documents = most[key(cell)][cell.head];
    documents = std::max(documents, cell.documents);
  }
  std::map<int64_t, double> out;
  for (const auto& [bucket, by_head] : most) {
    std::vector<double> values;
    for (const auto& [head, documents] : by_head) values.push_back(documents);
    out[bucket] = aggregate(std::move(values), Aggregate::kMedian);
  }
  return out;
}

std::map<int64_t, double> documents_of_positions(const fs::path& csv, const HeadFilter& filter) {
  std::map<int64_t, std::vector<double>> by_bucket;
  for (const PositionRow& row : read_position_rows(csv)) {
    if (filter.has(row.head)) by_bucket[row.q_bucket].push_back(row.documents);
  }
  std::map<int64_t, double> out;
  for (auto& [bucket, documents] : by_bucket) {
    out[bucket] = aggregate(std::move(documents), Aggregate::kMedian);
  }
  return out;
}

std::map<int64_t, double> documents_of_curve(const TableCurve& curve) {
  std::map<int64_t, double> out;
  for (const TablePoint& point : curve.points) {
    if (!std::isnan(point.documents)) out[point.bucket] = point.documents;
  }
  return out;
}

const TableCurve* find_curve(const std::vector<TableCurve>& curves, const std::string& kind,
                             const std::string& group, const std::string& method) {
  const auto found = std::find_if(curves.begin(), curves.end(), [&](const TableCurve& curve) {
    return curve.curve == kind && curve.heads == group && curve.method == method && !curve.reach;
  });
  return found == curves.end() ? nullptr : &*found;
}

// The mean of the heads' curves, without intervals.
TableCurve mean_of(const std::vector<HeadCurve>& heads, const std::string& method,
                   const std::map<int64_t, double>& documents) {
  TableCurve out = {"", "", method, std::nullopt, {}};
  std::map<int64_t, double> num_heads;
  for (const HeadCurve& head : heads) {
    for (const auto& [bucket, value] : head.curve) num_heads[bucket] += 1;
  }
  for (const auto& [bucket, value] : mean_curve(heads)) {
    const auto found = documents.find(bucket);
    out.points.push_back({bucket,
                          kNotCounted,
                          {},
                          value,
                          std::nullopt,
                          found == documents.end() ? kNotCounted : found->second,
                          num_heads[bucket]});
  }
  return out;
}

std::vector<TableCurve> curves_in(const AnalysisTables& tables) {
  if (tables.curves.empty()) return {};
  return read_mean_curves(tables.curves);
}

// All of the cells take part, so that the analysis's mean is the mean of what is drawn.
bool takes_all_cells(const CurveChoice& choice) {
  return !choice.max_distance && !choice.position_from && !choice.position_to;
}

// Heads that do not reach as far as others make the mean another one along the curve.
std::string head_counts(const TableCurve& mean) {
  double fewest = INFINITY;
  double most = 0;
  for (const TablePoint& point : mean.points) {
    if (std::isnan(point.num_heads)) return "";
    fewest = std::min(fewest, point.num_heads);
    most = std::max(most, point.num_heads);
  }
  if (!(fewest < most)) return "";
  return fmt::format(
      "The mean is over {:g} to {:g} heads, since some do not reach all along the curve; the option "
      "window separates them. ",
      fewest, most);
}

std::string caption_of(const CurveChoice& choice, const std::string& method, const TableCurve& mean,
                       bool lacks_band) {
  std::string out = method.empty() ? "" : fmt::format("Method {}. ", method);
  const std::string heads = choice.filter.text();
  if (!heads.empty()) out += fmt::format("Only {}. ", heads);
  if (choice.max_distance) {
    out += fmt::format(
        "Only keys at most {} tokens before the query, from the middle of a bucket "
        "to the middle of another. ",
        grouped(*choice.max_distance));
  }
  if (choice.position_from || choice.position_to) {
    out += fmt::format("Only queries from position {} to {}. ",
                       grouped(choice.position_from.value_or(0)),
                       choice.position_to ? grouped(*choice.position_to) : "the end");
  }
  if (!out.empty()) out += head_counts(mean);
  if (lacks_band) {
    out +=
        "No band: the analysis has intervals only for the means of whole groups of heads, over "
        "all cells. ";
  }
  if (!out.empty()) out.pop_back();
  return out;
}

std::vector<std::string> wanted_methods(const CurveChoice& choice,
                                        const std::vector<std::string>& known) {
  if (choice.methods == std::vector<std::string>{"all"}) return known;
  for (const std::string& method : choice.methods) chosen_method(method, known);
  return choice.methods;
}

bool has_band(const TableCurve& curve) {
  return std::any_of(curve.points.begin(), curve.points.end(),
                     [](const TablePoint& point) { return point.interval.has_value(); });
}

bool have_bands(const std::vector<TableCurve>& curves) {
  return std::any_of(curves.begin(), curves.end(), has_band);
}

void add_reaching_curves(const std::vector<TableCurve>& curves, const std::string& group,
                         const std::string& method, const std::string& reach,
                         std::vector<TableCurve>& out) {
  if (reach == "none") return;
  std::vector<std::string> there;
  for (const TableCurve& curve : curves) {
    if (curve.curve != "position" || curve.heads != group || curve.method != method) continue;
    if (!curve.reach) continue;
    there.push_back(std::to_string(*curve.reach));
    if (reach == "all" || reach == there.back()) out.push_back(curve);
  }
  if (reach != "all" && out.empty()) {
    fail("reach: no curve of the documents that reach bucket {}{}", reach,
         there.empty() ? "; mean_curves.csv has none"
                       : fmt::format(" (there are: {})", fmt::join(there, ", ")));
  }
}

SlopeIntervals slopes_of(const AnalysisTables& tables, const std::string& method,
                         const std::string& trend) {
  SlopeIntervals out;
  out.name = trend;
  for (const TrendRow& row : read_trend_rows(tables.trends)) {
    if (row.trend != trend || (!method.empty() && row.method != method)) continue;
    if (row.interval) out.by_head[row.head] = *row.interval;
  }
  return out;
}

}  // namespace

std::vector<std::string> known_methods(const AnalysisTables& tables) {
  if (!tables.methods.empty()) return tables.methods;
  std::vector<std::string> out;
  const auto add = [&](const std::string& method) {
    if (std::find(out.begin(), out.end(), method) == out.end()) out.push_back(method);
  };
  if (!tables.curves.empty()) {
    for (const TableCurve& curve : read_mean_curves(tables.curves)) add(curve.method);
  } else if (!tables.details.empty()) {
    for (const CellRow& cell : read_cell_rows(tables.details)) add(cell.method);
  }
  return out;
}

std::string chosen_method(const std::string& asked, const std::vector<std::string>& known) {
  if (asked.empty()) return known.empty() ? "" : known.front();
  if (std::find(known.begin(), known.end(), asked) != known.end()) return asked;
  const std::vector<std::string_view> words(known.begin(), known.end());
  if (words.empty()) {
    fail(
        "method: the methods of the analysis are not known: neither its record nor its tables are "
        "beside the table");
  }
  fail("method: expected {}, which the analysis holds, found {}", one_of(words), asked);
}

std::map<int64_t, BucketBounds> bucket_bounds(const AnalysisTables& tables) {
  std::map<int64_t, BucketBounds> out;
  const auto add = [&](int64_t bucket, const BucketBounds& bounds) {
    if (!std::isnan(bounds.from) && !std::isnan(bounds.to)) out.emplace(bucket, bounds);
  };
  if (!tables.details.empty()) {
    for (const CellRow& cell : read_cell_rows(tables.details)) {
      add(cell.q_bucket, cell.q_bounds);
      add(cell.k_bucket, cell.k_bounds);
    }
  } else if (!tables.curves.empty()) {
    for (const TableCurve& curve : read_mean_curves(tables.curves)) {
      if (curve.curve != "position") continue;
      for (const TablePoint& point : curve.points) add(point.bucket, point.bounds);
    }
  } else if (!tables.positions.empty()) {
    for (const PositionRow& row : read_position_rows(tables.positions)) {
      add(row.q_bucket, row.bounds);
    }
  }
  return out;
}

PlasticityData plasticity_data(const fs::path& csv, const AnalysisTables& tables,
                               const BucketScale& scale, const CurveChoice& choice) {
  PlasticityData out;
  PlasticityDetails& details = out.details;
  details.min_documents = choice.min_documents;
  details.confidence = tables.confidence;
  const auto known = known_methods(tables);
  const std::string method = chosen_method(choice.method, known);
  const auto curves = curves_in(tables);
  const std::string group = choice.filter.group();
  const bool overlays = !choice.methods.empty();
  const auto q_bucket = [](const CellRow& cell) { return cell.q_bucket; };
  std::vector<CellRow> cells;
  const bool needs_cells = overlays || choice.max_distance || is_detail_table(csv) ||
                           (!known.empty() && method != known.front());
  if (needs_cells) {
    cells = cells_of(csv, tables,
                     overlays              ? "methods"
                     : choice.max_distance ? "max_distance"
                                           : "method");
  }
  for (const std::string& each :
       overlays ? wanted_methods(choice, known) : std::vector<std::string>{method}) {
    if (needs_cells) {
      out.heads = curves_of_cells(chosen_cells(cells, each, scale, choice), q_bucket);
    } else {
      auto rows = read_head_bucket_rows(csv);
      keep_heads(rows, choice.filter);
      out.heads = head_curves(rows);
    }
    const TableCurve* curve =
        takes_all_cells(choice) ? find_curve(curves, "position", group, each) : nullptr;
    if (curve != nullptr) {
      refuse_curve_of_others(tables.curves, *curve, out.heads, "query bucket");
      if (details.documents.empty()) details.documents = documents_of_curve(*curve);
      details.means.push_back(*curve);
      continue;
    }
    if (details.documents.empty() && !tables.positions.empty()) {
      details.documents = documents_of_positions(tables.positions, choice.filter);
    } else if (details.documents.empty() && needs_cells) {
      details.documents = documents_of_cells(chosen_cells(cells, each, scale, choice), q_bucket);
    }
    details.means.push_back(mean_of(out.heads, each, details.documents));
  }
  if (overlays) {
    out.heads.clear();
  } else if (takes_all_cells(choice)) {
    add_reaching_curves(curves, group, method, choice.reach, details.reaching);
  }
  if (choice.trend && !tables.trends.empty()) {
    details.slopes = slopes_of(tables, method, *choice.trend);
  }
  const bool lacks_band = have_bands(curves) && !have_bands(details.means);
  const bool is_told = needs_cells || !details.documents.empty() || details.slopes;
  details.caption =
      caption_of(choice, overlays || !is_told ? "" : method, details.means[0], lacks_band);
  return out;
}

DistanceData distance_data(const fs::path& csv, const AnalysisTables& tables,
                           const BucketScale& scale, const CurveChoice& choice) {
  DistanceData out;
  const std::vector<CellRow> cells = cells_of(csv, tables, "distance");
  const auto known = known_methods(tables);
  const std::string method = choice.method.empty() && known.empty()
                                 ? cells.front().method
                                 : chosen_method(choice.method, known);
  const auto curves = curves_in(tables);
  const std::string group = choice.filter.group();
  const bool overlays = !choice.methods.empty();
  const auto lag = [](const CellRow& cell) { return cell.q_bucket - cell.k_bucket; };
  for (const std::string& each :
       overlays ? wanted_methods(choice, known) : std::vector<std::string>{method}) {
    const std::vector<CellRow> chosen = chosen_cells(cells, each, scale, choice);
    std::map<int64_t, std::vector<double>> distances;
    for (const CellRow& cell : chosen) {
      distances[lag(cell)].push_back(bucket_center(scale, cell.q_bucket) -
                                     bucket_center(scale, cell.k_bucket));
    }
    for (auto& [difference, values] : distances) {
      out.centers.emplace(difference, aggregate(std::move(values), Aggregate::kMean));
    }
    out.heads = curves_of_cells(chosen, lag);
    if (out.documents.empty()) out.documents = documents_of_cells(chosen, lag);
    // A limit of the distance leaves whole differences of buckets as they are, if those are equal.
    const bool is_whole = !choice.position_from && !choice.position_to &&
                          (!choice.max_distance || scale.type == BucketType::kUniform);
    const TableCurve* curve = is_whole ? find_curve(curves, "distance", group, each) : nullptr;
    if (curve == nullptr) {
      out.means.push_back(mean_of(out.heads, each, out.documents));
      continue;
    }
    if (!choice.max_distance) {
      refuse_curve_of_others(tables.curves, *curve, out.heads, "distance");
    }
    out.means.push_back(*curve);
    std::erase_if(out.means.back().points,
                  [&](const TablePoint& point) { return !distances.contains(point.bucket); });
    if (out.means.size() == 1) out.documents = documents_of_curve(out.means.back());
  }
  if (overlays) out.heads.clear();
  const bool lacks_band = have_bands(curves) && !have_bands(out.means);
  out.caption = caption_of(choice, overlays ? "" : method, out.means[0], lacks_band);
  return out;
}

}  // namespace qk
