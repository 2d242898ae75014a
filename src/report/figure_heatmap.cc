#include "report/figure_heatmap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "base/error.h"
#include "report/curve_data.h"
#include "report/detail_tables.h"

namespace qk {
namespace {

struct Range {
  double low;
  double high;
};

Range color_range(const BucketMatrix& matrix, const HeatmapOptions& options) {
  Range range = {INFINITY, -INFINITY};
  for (const double value : matrix.values) {
    if (std::isnan(value)) continue;
    range.low = std::min(range.low, value);
    range.high = std::max(range.high, value);
  }
  if (range.low > range.high) {
    fail("there is nothing to draw: no pair of buckets has a key bucket before its query bucket");
  }
  range = {options.vmin.value_or(range.low), options.vmax.value_or(range.high)};
  if (range.low > range.high) {
    fail("vmin: the colour scale would begin at {} and end at {}", range.low, range.high);
  }
  // A scale of one value: all of it has the lowest colour.
  constexpr double kSmallest = 1e-3;
  const double largest = std::max(std::abs(range.low), std::abs(range.high));
  if (range.high - range.low <= std::max(1e-12 * largest, 1e-100)) {
    range.high = range.low + std::max(kSmallest, largest * kSmallest);
  }
  return range;
}

Axis bucket_axis(const std::string& label, const std::vector<int64_t>& buckets,
                 const BucketScale& scale) {
  Axis axis = {label, -0.5, static_cast<double>(buckets.size()) - 0.5, false, std::vector<Tick>()};
  for (size_t i = 0; i < buckets.size(); ++i) {
    axis.ticks->push_back(
        {static_cast<double>(i), position_text(bucket_start(scale, buckets[i])), buckets[i]});
  }
  return axis;
}

size_t place(const std::vector<int64_t>& buckets, int64_t bucket) {
  return static_cast<size_t>(std::lower_bound(buckets.begin(), buckets.end(), bucket) -
                             buckets.begin());
}

}  // namespace

BucketMatrix bucket_matrix(std::span<const BucketPairRow> rows, Aggregate kind) {
  std::set<int64_t> q_buckets;
  std::set<int64_t> k_buckets;
  std::map<std::pair<int64_t, int64_t>, std::vector<double>> by_pair;
  std::map<std::pair<int64_t, int64_t>, std::vector<double>> documents;
  for (const BucketPairRow& row : rows) {
    q_buckets.insert(row.q_bucket);
    k_buckets.insert(row.k_bucket);
    if (row.k_bucket >= row.q_bucket) continue;
    by_pair[{row.q_bucket, row.k_bucket}].push_back(row.plasticity);
    if (row.documents) documents[{row.q_bucket, row.k_bucket}].push_back(*row.documents);
  }
  BucketMatrix out = {
      {q_buckets.begin(), q_buckets.end()}, {k_buckets.begin(), k_buckets.end()}, {}, {}};
  out.values.assign(out.q_buckets.size() * out.k_buckets.size(),
                    std::numeric_limits<double>::quiet_NaN());
  const auto index = [&](const std::pair<int64_t, int64_t>& pair) {
    return place(out.q_buckets, pair.first) * out.k_buckets.size() +
           place(out.k_buckets, pair.second);
  };
  for (auto& [pair, values] : by_pair) {
    out.most_heads = std::max(out.most_heads, values.size());
    out.fewest_heads =
        out.fewest_heads == 0 ? values.size() : std::min(out.fewest_heads, values.size());
    out.values[index(pair)] = aggregate(std::move(values), kind);
  }
  if (documents.empty()) return out;
  out.documents.assign(out.values.size(), std::numeric_limits<double>::quiet_NaN());
  for (auto& [pair, counts] : documents) {
    out.documents[index(pair)] = aggregate(std::move(counts), Aggregate::kMedian);
  }
  return out;
}

std::vector<BucketPairRow> heatmap_rows(const std::filesystem::path& csv,
                                        const AnalysisTables& tables, const std::string& method,
                                        const HeadFilter& filter) {
  if (tables.details.empty()) {
    const auto known = known_methods(tables);
    if (!method.empty() && (known.empty() || chosen_method(method, known) != known.front())) {
      fail(
          "method: needs head_bucket_details.csv, which the record beside the table does not name, "
          "nor detail_csv");
    }
    return read_bucket_pair_rows(csv, filter);
  }
  const std::string wanted = chosen_method(method, known_methods(tables));
  auto cells = read_cell_rows(tables.details);
  std::erase_if(cells, [&](const CellRow& cell) { return cell.method != wanted; });
  keep_heads(cells, filter);
  std::vector<BucketPairRow> out;
  out.reserve(cells.size());
  for (const CellRow& cell : cells) {
    std::optional<double> documents;
    if (!std::isnan(cell.documents)) documents = cell.documents;
    out.push_back({cell.q_bucket, cell.k_bucket, cell.plasticity, documents});
  }
  return out;
}

Figure heatmap_figure(const BucketMatrix& matrix, const HeatmapOptions& options) {
  const Colormap cmap(options.cmap);
  const Range range = color_range(matrix, options);
  Figure figure;
  figure.width_in = 8;
  figure.height_in = 6;
  figure.title = options.title;
  figure.x = bucket_axis(axis_name(options.scale, "Key pair position", "Key pair bucket"),
                         matrix.k_buckets, options.scale);
  figure.y = bucket_axis(axis_name(options.scale, "Query position", "Query bucket"),
                         matrix.q_buckets, options.scale);
  const size_t num_columns = matrix.k_buckets.size();
  bool has_thin = false;
  for (size_t i = 0; i < matrix.values.size(); ++i) {
    if (std::isnan(matrix.values[i])) continue;
    const Rgb color = cmap.at((matrix.values[i] - range.low) / (range.high - range.low));
    const bool is_thin = !matrix.documents.empty() && matrix.documents[i] < options.min_documents;
    figure.cells.push_back({static_cast<uint32_t>(i % num_columns),
                            static_cast<uint32_t>(i / num_columns), color, is_thin});
    has_thin = has_thin || is_thin;
  }
  figure.caption = options.caption;
  if (has_thin) {
    figure.caption +=
        fmt::format("Hatched: pairs of fewer than {:g} documents.", options.min_documents);
  }
  const char* agg = options.agg == Aggregate::kMean ? "mean" : "median";
  figure.color_bar = {fmt::format("Attention plasticity ({} over heads)", agg),
                      range.low,
                      range.high,
                      cmap.colors(),
                      {}};
  return figure;
}

}  // namespace qk
