// Everything that is measured of one query head, in the order of the CSV files. What each number
// means: docs/analysis.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "heads/bucket_ranges.h"
#include "plasticity/bucket_plasticity.h"
#include "plasticity/head_diagnostics.h"
#include "plasticity/head_profile.h"
#include "plasticity/method_result.h"
#include "plasticity/metric_interval.h"

namespace qk {

struct HeadMetrics {
  int64_t layer = 0;
  int64_t q_head = 0;
  int64_t k_head = 0;
  int64_t num_queries = 0;            // rows after subsampling: n_q_tokens
  int64_t num_keys = 0;               // n_k_tokens
  int64_t head_dim = 0;               // the column is called d_model
  int64_t num_documents = 0;          // with queries or keys; 0 without example ids
  std::vector<int64_t> document_ids;  // as in DocumentIndex; empty without error bars
  ErrorBarOptions error_bars;         // of the intervals below
  std::optional<int64_t> window;      // tokens; none: the head attends to everything before
  BucketRanges ranges;                // of the buckets below

  // Queries in buckets below 0, where `compat: reference` leaves those out of the plasticity.
  int64_t num_passed_over = 0;

  double q_r2_pos = kNotANumber;
  double q_beta_norm = kNotANumber;
  double q_r2_scalar = kNotANumber;
  double q_mae_baseline = kNotANumber;
  double q_mae_proj = kNotANumber;
  double q_mae_ratio = kNotANumber;
  double q_resid0_skew = kNotANumber;
  double q_resid0_kurt = kNotANumber;
  double q_resid0_ks_p = kNotANumber;
  double q_noise_med_abs_skew = kNotANumber;
  double q_noise_med_abs_kurt = kNotANumber;
  double q_noise_med_ks_p = kNotANumber;
  double q_noise_frac_ks_p_lt_alpha = kNotANumber;
  double ap_overall = kNotANumber;

  // Of every method, in the order of MeasureOptions; `buckets` and ap_overall are the first one's.
  std::vector<MethodResult> methods;
  std::vector<BucketPlasticity> buckets;       // ascending by (q_bucket, k_bucket)
  std::vector<double> component_r2;            // [head_dim], in the oriented basis of the files
  std::vector<MetricInterval> intervals;       // of metric_fields(); empty without error bars
  std::vector<double> component_weight;        // [head_dim], not negative, adds up to 1
  std::optional<HeadDiagnostics> diagnostics;  // none with compat: reference
  std::optional<HeadProfile> profile;          // if MeasureOptions::profile_points
};

// The real-valued columns of head_metrics.csv after `d_model`, in its order, for code that treats
// all metrics alike (CSV, summary, error bars).
struct MetricField {
  const char* name;
  double HeadMetrics::* value;
  ValueScale scale;
};
std::span<const MetricField> metric_fields();

}  // namespace qk
