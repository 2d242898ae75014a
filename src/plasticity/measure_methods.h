// All methods of one head in one pass: the same rows, and for the bucket-wise methods the same key
// pairs, so that their differences are the methods' alone.
#pragma once

#include <vector>

#include "plasticity/method_result.h"
#include "plasticity/plasticity_input.h"
#include "stats/group_spread.h"
#include "stats/resample_counts.h"

namespace qk {

struct MethodMeasurement {
  MethodResult result;
  PlasticityResult plasticity;
  EffectiveSize pairs;  // of the key pairs; zeros without error bars
};

// In the order of options.methods. `counts`: the replicates of input.documents, or null without
// error bars. With compat: reference no curves and no trends.
std::vector<MethodMeasurement> measure_methods(const PlasticityInput& input,
                                               const ResampleCounts* counts);

}  // namespace qk
