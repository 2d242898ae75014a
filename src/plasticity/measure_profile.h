// Everything of head_profile.h, from the two tables of a head and what is already known of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heads/head_id.h"
#include "plasticity/head_diagnostics.h"
#include "plasticity/head_profile.h"
#include "plasticity/plasticity_input.h"
#include "plasticity/query_noise.h"
#include "plasticity/vector_moments.h"

namespace qk {

struct ProfileInput {
  const PlasticityInput& head;
  const QueryNoise& noise;
  std::span<const double> residuals;  // along beta, as NoiseOptions::residuals
  std::span<const int64_t> ks_dims;   // of NoiseOptions
  std::span<const RopePairShare> rope_pairs;
  const VectorMoments& key_moments;  // of head.keys
  int64_t layer = 0;
};

// REQUIRES: head.options.profile_points.
HeadProfile measure_profile(const ProfileInput& input);

// The numbers at the levels (i + 0.5) / count of a sample, i < count, interpolated as numpy's
// quantile() does by default. NaN without a sample.
std::vector<double> quantiles_of(std::span<const double> sample, int64_t count);

// Upper bound of the memory that measure_profile() takes for this many queries and as many keys, in
// bytes; 0 without profiles.
int64_t profile_bytes(const MeasureOptions& options, int64_t rows, int64_t head_dim);

}  // namespace qk
