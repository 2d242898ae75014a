// What the metrics of a head depend on besides its rows. docs/analysis.md and docs/methods.md
// explain the fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plasticity/method_options.h"
#include "stats/document_interval.h"

namespace qk {

enum class Covariance : uint8_t {
  kDiagonal,  // in the basis that turns the drift to the first axis: depends on the basis
  kFull,      // does not
};

struct MeasureOptions {
  bool compat_reference = false;  // `compat: reference`: the original's numbers, defects included
  // Names of PlasticityMethods, at least one; the first is that of ap_overall in HeadMetrics.
  std::vector<std::string> methods = {"bucket"};
  Covariance covariance = Covariance::kDiagonal;  // of `linear`
  CountedQueries counted_queries = CountedQueries::kAll;
  MethodOptions method_options;
  ErrorBarOptions error_bars;
  int64_t num_pairs_per_bucket = 256;  // key pairs drawn for each pair of buckets
  int64_t normality_max_dims = 64;     // components whose normality is tested
  double p_alpha = 0.01;
  int64_t seed = 0;  // not negative
  // Most points of a HeadProfile; none: no profiles. REQUIRES: none with compat_reference.
  std::optional<int64_t> profile_points;
};

}  // namespace qk
