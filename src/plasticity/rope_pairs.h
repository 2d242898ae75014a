// Which of a head's rotary pairs carry position: a row of head_rope_pairs.csv for each.
#pragma once

#include <span>
#include <vector>

#include "heads/head_table.h"
#include "heads/rope_record.h"
#include "plasticity/head_diagnostics.h"
#include "plasticity/position_share.h"
#include "plasticity/query_fit.h"

namespace qk {

// The pairs of `rope`, then its components that do not rotate.
// REQUIRES: `rope` is of vectors of queries.head_dim numbers.
std::vector<RopePairShare> rope_pair_shares(const HeadTable& queries, const QueryFit& fit,
                                            const PositionSquares& squares, const HeadRope& rope);

}  // namespace qk
