#include "plasticity/measure_methods.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "plasticity/document_reach.h"
#include "plasticity/plasticity_method.h"
#include "plasticity/query_noise.h"

namespace qk {
namespace {

struct MeasuredCells {
  PlasticityResult plasticity;
  std::optional<PlasticityReplicates> replicates;

  CellMatrix matrix() const { return {plasticity.buckets, replicates ? &*replicates : nullptr}; }
};

// Replicates are computed in another way than the estimate, in part in float32. What the sample's own,
// replicate 0, misses the estimate by is taken off all of them: so those that lack a document without
// influence equal the estimate.
void take_off_rounding(double estimate, std::vector<double>& replicates) {
  const double rounding = estimate - replicates.front();
  if (std::isnan(rounding)) return;
  for (double& value : replicates) value += rounding;
}

void take_off_rounding(const PlasticityResult& estimate, PlasticityReplicates& replicates) {
  take_off_rounding(estimate.ap_overall, replicates.ap_overall);
  auto cell = estimate.buckets.begin();
  for (CellReplicates& row : replicates.cells) {
    while (cell->q_bucket != row.q_bucket || cell->k_bucket != row.k_bucket) ++cell;
    take_off_rounding(cell->value, row.values);
  }
}

// A method may leave out cells in which the sample has no pair that can be judged, such as pairs of
// equal keys; replicates have a row for each.
void drop_other_cells(const PlasticityResult& estimate, PlasticityReplicates& replicates) {
  std::set<std::pair<int64_t, int64_t>> cells;
  for (const BucketPlasticity& cell : estimate.buckets) cells.emplace(cell.q_bucket, cell.k_bucket);
  std::erase_if(replicates.cells, [&](const CellReplicates& row) {
    return !cells.contains({row.q_bucket, row.k_bucket});
  });
}

MeasuredCells measure_cells(const PlasticityMethod& method, const PlasticityInput& input,
                            const ResampleCounts* counts) {
  MeasuredCells out;
  out.plasticity = method.measure(input);
  if (counts == nullptr) return out;
  out.replicates = method.replicates({input, *input.documents, *counts});
  drop_other_cells(out.plasticity, *out.replicates);
  take_off_rounding(out.plasticity, *out.replicates);
  return out;
}

std::span<const double> without_sample(const std::vector<double>& values) {
  return std::span(values).subspan(1);
}

// What is derived from the cells of one method, with error bars if there are replicates.
class CellReport {
 public:
  CellReport(const MeasuredCells& cells, const PlasticityInput& input, std::optional<int64_t> reach,
             int64_t num_documents)
      : matrix_(cells.matrix()),
        ranges_(input.ranges),
        error_bars_(input.options.error_bars),
        reach_(reach),
        num_documents_(num_documents) {
    if (cells.replicates) effective_documents_ = cells.replicates->pairs.effective_documents;
  }

  std::vector<Interval> cell_intervals() const {
    std::vector<Interval> out;
    if (matrix_.replicates() == 1) return out;
    for (size_t c = 0; c < matrix_.cells().size(); ++c) {
      const BucketPlasticity& cell = matrix_.cells()[c];
      out.push_back(document_interval(cell.value, matrix_.replicates_of(c),
                                      documents_behind(cell.effective_documents),
                                      ValueScale::kFraction, error_bars_));
    }
    return out;
  }

  MethodCurve curve(std::vector<CurvePoint> points) const {
    MethodCurve out{reach_, std::move(points), {}};
    if (matrix_.replicates() == 1) return out;
    for (const CurvePoint& point : out.points) {
      out.intervals.push_back(document_interval(point.values.front(), without_sample(point.values),
                                                documents_behind(point.effective_documents),
                                                ValueScale::kFraction, error_bars_));
    }
    return out;
  }
  MethodCurve positions() const { return curve(curve_over_positions(matrix_, ranges_)); }
  MethodCurve distances() const { return curve(curve_over_distances(matrix_, ranges_)); }

  MethodTrend trend(TrendKind kind) const {
    Slope slope = slope_of(kind, matrix_, ranges_);
    MethodTrend out{kind, reach_, num_documents_, slope.cells, std::move(slope.values), {}};
    if (matrix_.replicates() > 1) {
      out.interval =
          document_interval(out.values.front(), without_sample(out.values),
                            documents_behind(effective_documents_), ValueScale::kReal, error_bars_);
    }
    return out;
  }

  void add_to(MethodResult& out) const {
    out.positions.push_back(positions());
    out.distances.push_back(distances());
    for (const TrendKind kind : kTrendKinds) out.trends.push_back(trend(kind));
  }

 private:
  static double documents_behind(double effective) { return std::max(effective, 1.0); }

  CellMatrix matrix_;
  const BucketRanges& ranges_;
  const ErrorBarOptions& error_bars_;
  std::optional<int64_t> reach_;
  int64_t num_documents_;
  double effective_documents_ = 1;  // of all key pairs
};

// The head with the documents only that reach a bucket, and with all they are needed for.
class ReachingHead {
 public:
  // REQUIRES: there are queries and keys.
  ReachingHead(const PlasticityInput& all, ReachingRows rows)
      : rows_(std::move(rows)),
        key_groups_(rows_.keys),
        fit_(fit_queries(rows_.queries, false)),
        input_{all.options, rows_.queries, rows_.keys, key_groups_,
               fit_,        all.ranges,    all.seed,   &rows_.documents} {
    measure_noise(rows_.queries, fit_, {.ks_dims = {}});
  }
  ReachingHead(const ReachingHead&) = delete;  // input_ refers to the other members
  ReachingHead& operator=(const ReachingHead&) = delete;

  const PlasticityInput& input() const { return input_; }
  int64_t num_documents() const { return rows_.num_documents; }

 private:
  ReachingRows rows_;
  KeyGroups key_groups_;
  QueryFit fit_;
  PlasticityInput input_;
};

void add_reach(const PlasticityInput& input, const ResampleCounts* counts,
               std::span<MethodMeasurement> out) {
  const std::vector<int64_t> reach = document_reach(input.queries, input.keys, *input.documents);
  const std::optional<int64_t> bucket = common_reach(reach);
  if (!bucket) return;
  ReachingRows rows = reaching_rows(input.queries, input.keys, *input.documents, reach, *bucket);
  if (rows.queries.num_rows() == 0 || rows.keys.num_rows() == 0) return;
  const ReachingHead head(input, std::move(rows));
  for (MethodMeasurement& method : out) {
    const MeasuredCells cells =
        measure_cells(find_method(method.result.name), head.input(), counts);
    CellReport(cells, head.input(), bucket, head.num_documents()).add_to(method.result);
  }
}

// The method that the others are compared with: the one that assumes least.
std::string_view yardstick(std::span<const MethodMeasurement> methods) {
  for (const std::string_view name : {"counted", "bucket"}) {
    for (const MethodMeasurement& method : methods) {
      if (method.result.name == name) return name;
    }
  }
  for (const MethodMeasurement& method : methods) {
    if (find_method(method.result.name).is_bucket_wise) return method.result.name;
  }
  return methods.front().result.name;
}

void add_differences(const PlasticityInput& input, std::span<MethodMeasurement> out) {
  const std::string_view name = yardstick(out);
  const MethodResult* other = nullptr;
  for (const MethodMeasurement& method : out) {
    if (method.result.name == name) other = &method.result;
  }
  for (MethodMeasurement& method : out) {
    MethodResult& result = method.result;
    // Methods that judge other pairs, at other times: that they differ says nothing.
    if (result.name == name || !find_method(result.name).is_bucket_wise) continue;
    MethodDifference difference{name, result.ap_overall - other->ap_overall, {}};
    if (!result.replicates.empty()) {
      std::vector<double> values;
      for (size_t r = 1; r < result.replicates.size(); ++r) {
        values.push_back(result.replicates[r] - other->replicates[r]);
      }
      difference.interval =
          document_interval(difference.value, values, method.pairs.effective_documents,
                            ValueScale::kReal, input.options.error_bars);
    }
    result.difference = difference;
  }
}

MethodMeasurement measure_method(const PlasticityMethod& method, const PlasticityInput& input,
                                 const ResampleCounts* counts) {
  MeasuredCells cells = measure_cells(method, input, counts);
  MethodMeasurement out;
  MethodResult& result = out.result;
  result.name = method.name;
  result.ap_overall = cells.plasticity.ap_overall;
  if (cells.replicates) {
    result.replicates = cells.replicates->ap_overall;
    out.pairs = cells.replicates->pairs;
    result.interval = document_interval(result.ap_overall, without_sample(result.replicates),
                                        out.pairs.effective_documents, ValueScale::kFraction,
                                        input.options.error_bars);
  }
  if (!input.options.compat_reference) {
    const int64_t documents = input.documents == nullptr ? 0 : input.documents->num_documents();
    const CellReport report(cells, input, {}, documents);
    result.cells = cells.plasticity.buckets;
    result.cell_intervals = report.cell_intervals();
    report.add_to(result);
  }
  out.plasticity = std::move(cells.plasticity);
  return out;
}

}  // namespace

std::vector<MethodMeasurement> measure_methods(const PlasticityInput& input,
                                               const ResampleCounts* counts) {
  std::vector<MethodMeasurement> out;
  out.reserve(input.options.methods.size());
  for (const std::string& name : input.options.methods) {
    out.push_back(measure_method(find_method(name), input, counts));
  }
  if (input.options.compat_reference) return out;
  if (input.documents != nullptr) add_reach(input, counts, out);
  add_differences(input, out);
  return out;
}

}  // namespace qk
