// How positional a head is, and how well the methods' models fit its queries: head_diagnostics.csv,
// head_rope_pairs.csv and the columns of head_positions.csv that no method changes. What each number
// means: docs/analysis.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plasticity/bucket_plasticity.h"
#include "stats/document_interval.h"

namespace qk {

// Two components that RoPE turns together, or one that does not turn.
struct RopePairShare {
  std::optional<int64_t> pair;
  int64_t first_component = 0;
  std::optional<int64_t> second_component;
  double wavelength = kNotANumber;      // tokens for a full turn
  double variance_share = kNotANumber;  // of the head's variance; adds up to 1
  double line_r2 = kNotANumber;
  double bucket_r2 = kNotANumber;
  double floor = kNotANumber;
  double position_share = kNotANumber;
  double turn_share = kNotANumber;  // of one vector that RoPE turns with the position
};

// Queries and keys of one bucket.
struct BucketVectors {
  int64_t bucket = 0;
  int64_t queries = 0;
  int64_t keys = 0;
  double drift_mean = kNotANumber;  // of the queries' projections on beta / |beta|, from their mean
  double drift_sd = kNotANumber;    // deviation of the projections (n - 1)
  double drift_line = kNotANumber;  // mean of the fitted line at the queries' positions
  double q_norm = kNotANumber;      // mean length of the queries
  double k_norm = kNotANumber;
};

struct HeadDiagnostics {
  int64_t documents = 0;  // with queries
  std::optional<int64_t> window;

  double position_share = kNotANumber;
  Interval position_interval;  // without error bars: no value
  double position_floor = kNotANumber;
  double bucket_r2 = kNotANumber;
  double line_share = kNotANumber;
  double turn_share = kNotANumber;  // of all RoPE pairs; needs the dataset's record

  double score_ks_distance = kNotANumber;
  double score_ks_floor = kNotANumber;
  double score_skew = kNotANumber;
  double score_kurt = kNotANumber;

  std::optional<int64_t> rope_set;        // of the layer
  std::vector<RopePairShare> rope_pairs;  // empty: the dataset does not record its RoPE
  std::vector<BucketVectors> buckets;     // ascending; those with queries
};

}  // namespace qk
