// What every method is given, and what it returns.
#pragma once

#include <cstdint>
#include <vector>

#include "heads/bucket_ranges.h"
#include "heads/document_index.h"
#include "heads/head_table.h"
#include "heads/key_groups.h"
#include "plasticity/bucket_plasticity.h"
#include "plasticity/measure_options.h"
#include "plasticity/query_fit.h"
#include "random/seed_words.h"

namespace qk {

// One head, oriented (docs/analysis.md, "Orientation") and subsampled.
struct PlasticityInput {
  const MeasureOptions& options;
  const HeadTable& queries;
  const HeadTable& keys;
  const KeyGroups& key_groups;               // of `keys`
  const QueryFit& fit;                       // of `queries`
  const BucketRanges& ranges;                // positions of the buckets
  SeedWords seed;                            // of this head's key pairs
  const DocumentIndex* documents = nullptr;  // of both tables; none if one has no example ids
};

struct PlasticityResult {
  double ap_overall = kNotANumber;
  std::vector<BucketPlasticity> buckets;  // ascending by (q_bucket, k_bucket)
  int64_t num_passed_over = 0;            // see HeadMetrics
};

}  // namespace qk
