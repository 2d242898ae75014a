// How far the scores q . w of a bucket's queries are from normal, as the methods assume them to be:
// docs/analysis.md, "How normal are the scores?".
#pragma once

#include "plasticity/bucket_plasticity.h"
#include "plasticity/plasticity_input.h"

namespace qk {

// Means over key pairs.
struct ScoreNormality {
  double ks_distance = kNotANumber;  // from the normal law of the sample's mean and deviation
  double ks_floor = kNotANumber;     // what independent normal scores, as many, have on average
  double abs_skew = kNotANumber;
  double kurtosis = kNotANumber;  // excess
};

// Draws kScorePairs key pairs for each query bucket, from the earlier key buckets within the window,
// and takes at most kScoreRows of its queries, evenly spaced. Buckets of fewer than kFewestScores
// queries, and pairs whose scores do not vary, are left out. NaN if nothing is left.
inline constexpr int64_t kScorePairs = 16;
inline constexpr int64_t kScoreRows = 512;
inline constexpr int64_t kFewestScores = 20;
ScoreNormality score_normality(const PlasticityInput& input, const SeedWords& seed);

}  // namespace qk
