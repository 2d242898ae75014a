// How much of the queries' variance their position bucket explains: docs/analysis.md, "Which heads
// are positional?".
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heads/head_table.h"
#include "plasticity/bucket_plasticity.h"
#include "plasticity/document_buckets.h"
#include "plasticity/query_fit.h"
#include "stats/resample_counts.h"

namespace qk {

// Sums of squares of some components together.
struct ExplainedSquares {
  double total = 0;    // around the mean of all queries
  double buckets = 0;  // explained by the buckets of a document's rows
  double chance = 0;   // of `buckets`, on average over all orders of the rows within documents

  double raw_share() const { return total > 0 ? buckets / total : kNotANumber; }
  double floor() const { return total > 0 ? chance / total : kNotANumber; }
  // 0: chance, 1: everything.
  double share() const {
    return total > chance ? (buckets - chance) / (total - chance) : kNotANumber;
  }
};

struct PositionSquares {
  std::vector<ExplainedSquares> components;  // [head_dim]
  ExplainedSquares all;
  double line = 0;         // of all.buckets, explained by a straight line through the buckets
  double line_chance = 0;  // of `line`
  int64_t freedom = 0;     // 0: no document has rows in two buckets, so nothing can be compared

  // The part of the buckets' variance beyond chance that the line explains, 0 to 1. NaN if the
  // buckets explain no more than chance: less than three standard deviations, as if all chance
  // variance had one direction.
  double line_share() const;
};

PositionSquares position_squares(const HeadTable& queries, const QueryFit& fit,
                                 const DocumentBuckets& spread);

// The share of every replicate, [replicates]; replicate 0 is that of position_squares(). The copies
// of a document change places together, so that chance counts what they add to the buckets.
// REQUIRES: the documents of `spread` are those of `counts`.
std::vector<double> position_share_replicates(const HeadTable& queries, const QueryFit& fit,
                                              const DocumentBuckets& spread,
                                              const ResampleCounts& counts);

}  // namespace qk
