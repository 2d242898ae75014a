// The method `online`: docs/methods.md.
#pragma once

#include "heads/head_table.h"
#include "heads/key_groups.h"
#include "plasticity/plasticity_input.h"

namespace qk {

// Follows the queries of all documents along their positions with exponential forgetting, and
// judges local pairs of keys at the end of every query bucket. A row of the result is a query
// bucket and the bucket of the pair's later key. ap_overall is the mean over the times of the mean
// over their pairs. Times with fewer than min_queries effective queries have no value (a row with
// NaN).
PlasticityResult measure_online(const PlasticityInput& input);

// The bucket of the pair's key with the higher position (of the first one if they are equal).
int64_t later_bucket(const HeadTable& keys, const KeyPair& pair);

}  // namespace qk
