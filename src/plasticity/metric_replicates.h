// Every metric of the queries in every bootstrap replicate.
#pragma once

#include <span>
#include <vector>

#include "heads/document_index.h"
#include "heads/head_table.h"
#include "plasticity/head_metrics.h"
#include "plasticity/query_fit.h"
#include "plasticity/query_noise.h"
#include "stats/group_spread.h"
#include "stats/resample_counts.h"

namespace qk {

struct QueryReplicateInput {
  const HeadTable& queries;
  const QueryFit& fit;  // of the sample
  const DocumentIndex& documents;
  const ResampleCounts& counts;
};

// Fills q_R2_pos to q_mae_ratio of `out` [replicates]: line and projection are fitted again in
// every replicate; what is linear in sums comes from sums over documents, absolute errors from the
// rows.
void replicate_fit_metrics(const QueryReplicateInput& input, bool compat_reference,
                           std::span<HeadMetrics> out);

// Fills q_resid0_skew, q_resid0_kurt and the medians of the noise's skewness and kurtosis; p-values
// have no error bars. The rotated basis is that of the sample in every replicate, so that a component
// stays the same component; lines, means and deviations are the replicate's.
void replicate_noise_metrics(const QueryReplicateInput& input, const NoiseOptions& options,
                             std::span<HeadMetrics> out);

// Documents and effective sizes of the queries, by how alike the residuals of one document are.
EffectiveSize query_sizes(const QueryReplicateInput& input);

}  // namespace qk
