// What the rotated queries look like beside their drift: variances, and how normal they are
// (docs/analysis.md, "Noise").
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heads/head_table.h"
#include "plasticity/head_metrics.h"
#include "plasticity/query_fit.h"

namespace qk {

struct NoiseOptions {
  bool compat_reference = false;
  double p_alpha = 0.01;
  std::span<const int64_t> ks_dims;  // noise components, 0 is the rotated component 1
  // If not null, receives the residuals of the first rotated component, divided by their deviation
  // (n - 1); nothing if they cannot be judged.
  std::vector<double>* residuals = nullptr;
};

struct QueryNoise {
  double resid0_skew = kNotANumber;  // of the first rotated component, drift removed
  double resid0_kurt = kNotANumber;
  double resid0_ks_p = kNotANumber;
  double resid0_ks_distance = kNotANumber;
  double med_abs_skew = kNotANumber;  // over the other components
  double med_abs_kurt = kNotANumber;
  double med_ks_p = kNotANumber;
  double frac_ks_p_lt_alpha = kNotANumber;
  std::vector<double> ks_distances;  // of ks_dims, ascending; NaN: left out
};

// Also fills fit.rotated_residual_variance.
// compat: reference: variances are divided by n - 1 and are 1 for a single row, p-values are those
// of a known mean and deviation, and residuals of two rows or of an exact line are judged although
// they are rounding noise. Else: divided by n - 2, constant components are left out, Lilliefors
// p-values, and NaN where nothing can be said.
QueryNoise measure_noise(const HeadTable& queries, QueryFit& fit, const NoiseOptions& options);

// Whether a component without variance is left out; under compat: reference only if the original
// sees its own rounding in it: it was rotated, and is not zero throughout. (Zeros stay zeros, have
// no skewness, and are far from normal.)
bool leaves_out_constant(const QueryFit& fit, int64_t component, bool compat_reference);

}  // namespace qk
