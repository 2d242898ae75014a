// The seeds of all random draws of an analysis.
#pragma once

#include <cstdint>

#include "plasticity/measure_options.h"
#include "random/seed_words.h"

namespace qk {

// compat: reference: `seed` itself for every table and for the noise components, seed + 10007 layer
// + 379 q_head for the key pairs. Else numpy's default_rng([seed, layer, head, purpose]): no two
// draws share a seed.
SeedWords query_rows_seed(const MeasureOptions& options, int64_t layer, int64_t q_head);
SeedWords key_rows_seed(const MeasureOptions& options, int64_t layer, int64_t k_head);
SeedWords noise_dims_seed(const MeasureOptions& options, int64_t layer, int64_t q_head);
SeedWords key_pairs_seed(const MeasureOptions& options, int64_t layer, int64_t q_head);
// Of the key pairs whose scores are tested for normality; derived with compat: reference too.
SeedWords score_pairs_seed(const MeasureOptions& options, int64_t layer, int64_t q_head);
// Of the rows that are drawn as points, the same for all heads of a layer; derived always.
SeedWords profile_points_seed(const MeasureOptions& options, int64_t layer, bool of_keys);

}  // namespace qk
