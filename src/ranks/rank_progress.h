// How the ranks are getting on, from what each of them tells.
#pragma once

#include <vector>

#include "capture/prepared_run.h"
#include "capture/run_options.h"
#include "cluster/crew.h"
#include "ranks/rank_stages.h"
#include "ranks/run_over_ranks.h"

namespace qk {

void add(const DocumentsAnswer& answer, CaptureCounts& counts);

// While documents are captured.
//   counts  of documents that are safe
RunProgress capture_progress(const PreparedRun& run, const CaptureCounts& counts,
                             const std::vector<RankState>& states, double seconds);

// With the slowest rank, if it does less than nine tenths of the median of tokens a second.
RanksProgress ranks_progress(const RunProgress& run, const std::vector<RankState>& states);

}  // namespace qk
