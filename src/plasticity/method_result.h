// What one method says about one head: docs/methods.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "plasticity/bucket_plasticity.h"
#include "plasticity/cell_matrix.h"
#include "plasticity/plasticity_trends.h"
#include "stats/document_interval.h"

namespace qk {

// A curve, or a slope, is measured over all documents, and over those that reach a bucket: then the
// same documents stand behind all of its points.
struct MethodCurve {
  std::optional<int64_t> reach;  // only documents with rows in this bucket or a later one
  std::vector<CurvePoint> points;
  std::vector<Interval> intervals;  // beside points; empty without error bars
};

struct MethodTrend {
  TrendKind kind = TrendKind::kPosition;
  std::optional<int64_t> reach;
  int64_t documents = 0;
  int64_t cells = 0;
  double slope = kNotANumber;  // in slope_unit()
  Interval interval;
};

// ap_overall of this method minus that of another one.
struct MethodDifference {
  std::string_view against;  // the other method
  double value = kNotANumber;
  Interval interval;
};

struct MethodResult {
  std::string_view name;  // of the PlasticityMethod
  double ap_overall = kNotANumber;
  Interval interval;
  std::vector<double> replicates;  // of ap_overall, the sample's first
  std::vector<BucketPlasticity> cells;
  std::vector<Interval> cell_intervals;  // beside cells; empty without error bars
  std::vector<MethodCurve> positions;
  std::vector<MethodCurve> distances;
  std::vector<MethodTrend> trends;
  std::optional<MethodDifference> difference;
};

}  // namespace qk
