// Everything of head_diagnostics.h, from the two tables of a head.
#pragma once

#include "heads/rope_record.h"
#include "plasticity/head_diagnostics.h"
#include "plasticity/plasticity_input.h"
#include "stats/resample_counts.h"

namespace qk {

struct DiagnosticsInput {
  const PlasticityInput& head;
  const SeedWords& seed;                   // score_pairs_seed()
  const HeadRope* rope = nullptr;          // none: not known
  const ResampleCounts* counts = nullptr;  // none: no interval. REQUIRES: head.documents
};

HeadDiagnostics measure_diagnostics(const DiagnosticsInput& input);

// Upper bound of the memory that measure_diagnostics() takes for this many queries and as many keys,
// in bytes.
int64_t diagnostic_bytes(const MeasureOptions& options, int64_t rows, int64_t head_dim);

}  // namespace qk
