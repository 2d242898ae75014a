#include "report/method_tables.h"

#include <span>

#include "plasticity/method_warning.h"
#include "report/csv_row.h"

namespace qk {
namespace {

// The interval of row `index`; an empty one without error bars.
Interval interval_at(std::span<const Interval> intervals, size_t index) {
  return intervals.empty() ? Interval{} : intervals[index];
}

void add_interval(CsvRow& row, const Interval& interval) {
  row.add(interval.low).add(interval.high).add(interval.std_error);
}

// What no method changes, of the queries and keys of a bucket; over all documents.
BucketVectors vectors_of(const HeadMetrics& head, int64_t bucket) {
  if (!head.diagnostics) return {};
  for (const BucketVectors& vectors : head.diagnostics->buckets) {
    if (vectors.bucket == bucket) return vectors;
  }
  return {};
}

void add_curve(const HeadMetrics& head, const MethodResult& method, const MethodCurve& curve,
               std::string& out) {
  for (size_t i = 0; i < curve.points.size(); ++i) {
    const CurvePoint& point = curve.points[i];
    const PositionRange range = head.ranges.of(point.bucket);
    const Interval interval = interval_at(curve.intervals, i);
    CsvRow row(head);
    row.add(method.name).add(curve.reach).add(point.bucket).add(range.first).add(range.last);
    row.add(point.queries).add(point.documents).add(point.pairs).add(point.values.front());
    add_interval(row, interval);
    const BucketVectors vectors = vectors_of(head, point.bucket);
    row.add(vectors.drift_mean).add(vectors.drift_sd).add(vectors.drift_line);
    row.add(vectors.q_norm).add(vectors.k_norm);
    row.add(note_text(interval.note));
    out += row.line();
  }
}

}  // namespace

std::string detail_header() {
  return std::string(kHeadColumns) +
         ",method,q_bucket,k_bucket,q_from,q_to,k_from,k_to,queries,pairs,documents,ap_bucket,"
         "ci_low,ci_high,std_error,note";
}

std::string detail_lines(const HeadMetrics& head) {
  std::string out;
  for (const MethodResult& method : head.methods) {
    for (size_t c = 0; c < method.cells.size(); ++c) {
      const BucketPlasticity& cell = method.cells[c];
      const PositionRange of_queries = head.ranges.of(cell.q_bucket);
      const PositionRange of_keys = head.ranges.of(cell.k_bucket);
      const Interval interval = interval_at(method.cell_intervals, c);
      CsvRow row(head);
      row.add(method.name).add(cell.q_bucket).add(cell.k_bucket);
      row.add(of_queries.first).add(of_queries.last).add(of_keys.first).add(of_keys.last);
      row.add(cell.queries).add(cell.pairs).add(cell.documents).add(cell.value);
      add_interval(row, interval);
      row.add(note_text(interval.note));
      out += row.line();
    }
  }
  return out;
}

std::string position_header() {
  return std::string(kHeadColumns) +
         ",method,reach,q_bucket,position_from,position_to,queries,documents,pairs,ap_mean,ci_low,"
         "ci_high,std_error,drift_mean,drift_sd,drift_line,q_norm,k_norm,note";
}

std::string position_lines(const HeadMetrics& head) {
  std::string out;
  for (const MethodResult& method : head.methods) {
    for (const MethodCurve& curve : method.positions) add_curve(head, method, curve, out);
  }
  return out;
}

std::string trend_header() {
  return std::string(kHeadColumns) +
         ",method,trend,reach,documents,cells,slope,ci_low,ci_high,std_error,unit,note";
}

std::string trend_lines(const HeadMetrics& head) {
  std::string out;
  for (const MethodResult& method : head.methods) {
    for (const MethodTrend& trend : method.trends) {
      CsvRow row(head);
      row.add(method.name).add(trend_name(trend.kind)).add(trend.reach);
      row.add(trend.documents).add(trend.cells).add(trend.values.front());
      add_interval(row, trend.interval);
      row.add(slope_unit(head.ranges)).add(note_text(trend.interval.note));
      out += row.line();
    }
  }
  return out;
}

std::string method_header() {
  return std::string(kHeadColumns) +
         ",method,ap_overall,ci_low,ci_high,std_error,documents,against,difference,difference_low,"
         "difference_high,difference_std_error,warning";
}

std::string method_lines(const HeadMetrics& head) {
  std::string out;
  for (const MethodResult& method : head.methods) {
    CsvRow row(head);
    row.add(method.name).add(method.ap_overall);
    add_interval(row, method.interval);
    row.add(head.num_documents);
    const MethodDifference difference = method.difference.value_or(MethodDifference{});
    row.add(difference.against).add(difference.value);
    add_interval(row, difference.interval);
    row.add(method_warning(method));
    out += row.line();
  }
  return out;
}

}  // namespace qk
