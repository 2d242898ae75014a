// ap_overall of every bootstrap replicate, method by method. Key pairs are drawn once; a replicate
// weighs them, and the queries, by how often it has their documents.
#pragma once

#include "heads/document_index.h"
#include "plasticity/plasticity_input.h"
#include "plasticity/plasticity_replicates.h"
#include "stats/resample_counts.h"

namespace qk {

struct ReplicateInput {
  const PlasticityInput& head;
  const DocumentIndex& documents;
  const ResampleCounts& counts;
};

// The mean line and the residuals' covariance (or its rotated diagonal) are fitted again in every
// replicate, from sums of products over each document.
PlasticityReplicates linear_replicates(const ReplicateInput& input);

// Means and covariances of the buckets are those of the replicate, except covariances pooled over
// buckets, which are held: they come from all rows and vary little.
PlasticityReplicates bucket_replicates(const ReplicateInput& input);

// The preferences of the replicate's queries are counted again; with counted_queries: same_document a
// pair keeps its value, and counts as often as the replicate has its document.
PlasticityReplicates counted_replicates(const ReplicateInput& input);

// The law of the queries at every time is that of the replicate. Times at which the sample has
// fewer than min_queries effective queries stay left out.
PlasticityReplicates online_replicates(const ReplicateInput& input);

}  // namespace qk
