// The methods by which plasticity is estimated. A method is one file with one function, and one
// line in plasticity_method.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "heads/bucket_ranges.h"
#include "heads/head_table.h"
#include "heads/key_groups.h"
#include "plasticity/head_metrics.h"
#include "plasticity/measure_options.h"
#include "plasticity/query_fit.h"

namespace qk {

// One head, everything oriented (analysis.md 4) and subsampled.
struct PlasticityInput {
  const MeasureOptions& options;
  const HeadTable& queries;
  const HeadTable& keys;
  const KeyGroups& key_groups;  // of `keys`
  const QueryFit& fit;          // of `queries`
  const BucketRanges& ranges;   // positions of the buckets
  SeedWords seed;               // of this head's key pairs
};

struct PlasticityResult {
  double ap_overall = kNotANumber;
  std::vector<BucketPlasticity> buckets;  // ascending by (q_bucket, k_bucket)
};

struct ReplicateInput;        // method_replicates.h
struct PlasticityReplicates;  // plasticity_replicates.h

struct PlasticityMethod {
  std::string_view name;         // as in the configuration
  std::string_view description;  // one line for --help
  PlasticityResult (*measure)(const PlasticityInput& input);
  PlasticityReplicates (*replicates)(const ReplicateInput& input);  // of ap_overall
};

std::span<const PlasticityMethod> plasticity_methods();

// Throws Error naming the nearest method and all of them.
const PlasticityMethod& find_method(std::string_view name);

}  // namespace qk
