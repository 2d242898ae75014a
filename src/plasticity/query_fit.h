// How the queries of a head follow their position: one straight line per component, and what is
// left over. All in float64. Formulas: docs/analysis.md, "The line" and "Rotation".
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heads/head_table.h"

namespace qk {

struct QueryFit {
  int64_t num_rows = 0;
  int64_t position_origin = 0;      // of the positions below: position_origin(queries), tokens
  double mean_position = 0;         // relative to the origin
  double position_ss = 0;           // sum of squared deviations of the positions
  std::vector<double> mean;         // [head_dim]
  std::vector<double> slope;        // [head_dim], per token: beta; zeros if position_ss is 0
  double slope_norm = 0;            // |beta|
  std::vector<double> intercept;    // [head_dim]: alpha, at the origin
  std::vector<double> total_ss;     // [head_dim], around the mean; exactly 0 if constant
  std::vector<double> residual_ss;  // [head_dim], around the line

  // The rotation H = I - 2 v v^T that turns the slope into the first axis.
  std::vector<double> reflection;     // v, [head_dim], |v| = 1; zeros: H = I
  std::vector<double> rotated_slope;  // [head_dim], beta H
  // Sample variance of the residuals in the rotated basis; filled by measure_noise().
  std::vector<double> rotated_residual_variance;  // [head_dim]

  // Of every row.
  std::vector<double> centered_positions;  // [rows]
  std::vector<double> projections;         // [rows], (x - mean) . beta / |beta|; zeros if beta is 0
  std::vector<double> reflected;           // [rows], 2 (x - mean) . v
};

// Everything but the residual variances. REQUIRES: at least one row.
QueryFit fit_queries(const HeadTable& queries, bool compat_reference);

// R^2 of each component. compat: reference: 1 - residual / max(total, 1e-12), so that a component
// without variance has 1. Else such a component has 0.
std::vector<double> component_r2(const QueryFit& fit, bool compat_reference);

// Mean over the components. compat: reference: over all; else over those that vary, 0 if none does.
double mean_r2(const QueryFit& fit, std::span<const double> component_r2, bool compat_reference);

// v of H = I - 2 v v^T with beta H = (|beta|, 0, 0, ...); zeros if beta points there already, or is
// so small that it is rounding: if it moves the queries by less than 1e-12 over `spread` tokens.
std::vector<double> reflection_of(std::span<const double> slope, double norm, double spread);

// The standard deviation of the positions; 1 with compat: reference, which compares |beta| itself.
double position_spread(double position_ss, double rows, bool compat_reference);

// log2(position + 1) of every row, minus their mean. Exact also where the positions are far larger
// than the differences between them.
std::vector<double> centered_log_positions(const HeadTable& queries);

// How well the projection on beta predicts log2(position + 1).
struct ScalarPredictability {
  double r2 = 0;
  double mae_baseline = 0;  // mean absolute error of the mean
  double mae_proj = 0;      // of the line through the projection
};
ScalarPredictability predict_position(const HeadTable& queries, const QueryFit& fit);

}  // namespace qk
