// How the queries of a head follow their position: one straight line per component, and what is
// left over. All in float64. Spec: analysis.md 6 to 9.
#pragma once

#include <cstdint>
#include <vector>

#include "plasticity/head_table.h"

namespace qk {

struct QueryFit {
  int64_t num_rows = 0;
  double mean_position = 0;
  double position_ss = 0;           // sum of squared deviations of the positions
  std::vector<double> mean;         // [head_dim]
  std::vector<double> slope;        // [head_dim], per token: beta; zeros if position_ss is 0
  double slope_norm = 0;            // |beta|
  std::vector<double> intercept;    // [head_dim]: alpha
  std::vector<double> r2;           // [head_dim]
  std::vector<double> residual_ss;  // [head_dim], around the line
  std::vector<double> total_ss;     // [head_dim], around the mean

  // The rotation H = I - 2 v v^T that turns the slope into the first axis; empty: H = I.
  std::vector<double> reflection;  // v, [head_dim], |v| = 1
  // Sample variance of the residuals in the rotated basis.
  std::vector<double> rotated_residual_variance;  // [head_dim]
};

}  // namespace qk
