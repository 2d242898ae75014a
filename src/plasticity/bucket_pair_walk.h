// The bucket pairs of a head and the key pairs drawn for each: docs/analysis.md, "Bucket pairs".
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "heads/key_groups.h"
#include "plasticity/plasticity_input.h"
#include "plasticity/query_distribution.h"

namespace qk {

struct BucketPairDraw {
  QueryTime time;  // of the query bucket
  int64_t k_bucket = 0;
  std::span<const KeyPair> pairs;  // valid during the call; empty: no keys to compare
};

// Visits every query bucket with every key bucket before it that the window reaches, in ascending
// order, the key bucket varying faster. compat: reference draws pairs with repeats, takes the window
// for a number of buckets, and passes over query buckets that are not above 0.
void for_each_bucket_pair(const PlasticityInput& input,
                          const std::function<void(const BucketPairDraw&)>& visit);

}  // namespace qk
