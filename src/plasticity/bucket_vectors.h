// Where the queries of a bucket lie on the head's drift, and how long queries and keys are.
#pragma once

#include <vector>

#include "heads/head_table.h"
#include "plasticity/head_diagnostics.h"
#include "plasticity/query_fit.h"

namespace qk {

// Buckets with queries, ascending. REQUIRES: `fit` is of `queries`.
std::vector<BucketVectors> bucket_vectors(const HeadTable& queries, const HeadTable& keys,
                                          const QueryFit& fit);

}  // namespace qk
