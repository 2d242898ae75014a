// All numbers of one head from its two tables: a pure function, the same for the same input.
#pragma once

#include "heads/bucket_ranges.h"
#include "heads/head_id.h"
#include "heads/head_table.h"
#include "heads/key_groups.h"
#include "heads/rope_record.h"
#include "plasticity/head_metrics.h"
#include "plasticity/measure_options.h"
#include "plasticity/vector_moments.h"

namespace qk {

// Threads: safe to call concurrently; tables are only read.
// rope: of the layer, if the dataset records it; without it HeadDiagnostics has no RoPE pairs.
// key_moments: of `keys`, where they are known already; only profiles need them.
// Throws Error: no rows, vector lengths that differ.
// `rope`: of the head's layer, or none if it is not known.
// REQUIRES: both tables are oriented (orient()), key_groups is of `keys`.
HeadMetrics measure_head(const MeasureOptions& options, const HeadId& head,
                         const HeadTable& queries, const HeadTable& keys,
                         const KeyGroups& key_groups, const BucketRanges& ranges,
                         const HeadRope* rope = nullptr,
                         const VectorMoments* key_moments = nullptr);

}  // namespace qk
