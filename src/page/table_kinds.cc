#include "page/table_kinds.h"

#include <algorithm>
#include <array>

#include "plasticity/head_metrics.h"

namespace qk {
namespace {

constexpr std::string_view kErrorBarOptions = "--error_bars jackknife";

constexpr std::array<std::string_view, 9> kTexts = {"method",  "metric",  "note",  "trend", "unit",
                                                    "warning", "against", "curve", "heads"};

constexpr std::array<std::string_view, 13> kCounts = {
    "layer", "q_head",  "k_head",   "n_q_tokens", "n_k_tokens", "d_model",  "replicates",
    "pairs", "queries", "q_bucket", "k_bucket",   "bucket",     "documents"};

// Besides the metrics of metric_fields().
constexpr std::array<std::string_view, 57> kNumbers = {"reach",
                                                       "q_from",
                                                       "q_to",
                                                       "k_from",
                                                       "k_to",
                                                       "position_from",
                                                       "position_to",
                                                       "from",
                                                       "to",
                                                       "center",
                                                       "ap_bucket",
                                                       "ap_mean",
                                                       "ci_low",
                                                       "ci_high",
                                                       "std_error",
                                                       "estimate",
                                                       "bias",
                                                       "effective_documents",
                                                       "effective_rows",
                                                       "drift_mean",
                                                       "drift_sd",
                                                       "drift_line",
                                                       "q_norm",
                                                       "k_norm",
                                                       "cells",
                                                       "slope",
                                                       "num_heads",
                                                       "num_rising",
                                                       "num_falling",
                                                       "difference",
                                                       "difference_low",
                                                       "difference_high",
                                                       "difference_std_error",
                                                       "window",
                                                       "position_share",
                                                       "position_share_low",
                                                       "position_share_high",
                                                       "position_share_std_error",
                                                       "position_floor",
                                                       "bucket_R2",
                                                       "line_share",
                                                       "turn_share",
                                                       "score_ks_distance",
                                                       "score_ks_floor",
                                                       "score_skew",
                                                       "score_kurt",
                                                       "rope_set",
                                                       "pair",
                                                       "first_component",
                                                       "second_component",
                                                       "wavelength",
                                                       "variance_share",
                                                       "line_R2",
                                                       "floor",
                                                       "component",
                                                       "component_r2",
                                                       "component_weight"};

bool is_in(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

std::span<const TableKind> table_kinds() {  // NOLINT(readability-function-size): a table
  static const std::array<TableKind, 12> kinds = {{
      {.name = "heads", .record = "heads", .file = "head_metrics.csv", .has_metrics = true},
      {.name = "intervals",
       .record = "intervals",
       .file = "head_metrics_ci.csv",
       .keys = {"method", "metric"},
       .required = {"metric", "estimate", "ci_low", "ci_high"},
       .has_metrics = true,
       .options = kErrorBarOptions},
      {.name = "cells",
       .record = "buckets",
       .file = "head_bucket_plasticity.csv",
       .keys = {"q_bucket", "k_bucket", "bucket"},
       .required = {"ap_bucket"}},
      {.name = "details",
       .record = "details",
       .file = "head_bucket_details.csv",
       .keys = {"method", "q_bucket", "k_bucket"},
       .required = {"method", "q_bucket", "k_bucket", "ap_bucket"}},
      {.name = "positions",
       .record = "positions",
       .file = "head_positions.csv",
       .keys = {"method", "reach", "q_bucket"},
       .required = {"method", "q_bucket", "ap_mean"}},
      {.name = "trends",
       .record = "trends",
       .file = "head_trends.csv",
       .keys = {"method", "trend", "reach"},
       .required = {"method", "trend", "slope"}},
      {.name = "methods",
       .record = "methods",
       .file = "head_methods.csv",
       .keys = {"method"},
       .required = {"method", "ap_overall"}},
      {.name = "diagnostics",
       .record = "diagnostics",
       .file = "head_diagnostics.csv",
       .required = {"position_share"}},
      {.name = "rope_pairs",
       .record = "rope_pairs",
       .file = "head_rope_pairs.csv",
       .keys = {"rope_set", "pair", "first_component"},
       .required = {"pair", "wavelength", "position_share"}},
      {.name = "components",
       .record = "components",
       .file = "head_component_weights.csv",
       .keys = {"component"},
       .required = {"component", "component_weight"}},
      {.name = "mean_curves",
       .record = "curves",
       .file = "mean_curves.csv",
       .is_per_head = false,
       .keys = {"curve", "heads", "method", "reach", "bucket"},
       .required = {"curve", "method", "ap_mean"}},
      {.name = "mean_trends",
       .record = "mean_trends",
       .file = "mean_trends.csv",
       .is_per_head = false,
       .keys = {"heads", "method", "trend", "reach"},
       .required = {"method", "trend", "slope"}},
  }};
  return kinds;
}

CellKind cell_kind(std::string_view column) {
  if (is_in(kTexts, column)) return CellKind::kText;
  const auto metrics = metric_fields();
  const bool is_metric = std::ranges::find(metrics, column, &MetricField::name) != metrics.end();
  const bool is_number = is_metric || is_in(kNumbers, column) || is_in(kCounts, column);
  return is_number ? CellKind::kNumber : CellKind::kEither;
}

bool is_count(std::string_view column) { return is_in(kCounts, column); }

}  // namespace qk
