// One key head and its query heads: files in, numbers out.
#pragma once

#include <functional>
#include <variant>
#include <vector>

#include "analysis/analysis_config.h"
#include "analysis/analysis_run.h"
#include "analysis/memory_gate.h"
#include "heads/head_catalog.h"

namespace qk {

using HeadResult = std::variant<HeadMetrics, HeadFailure>;

// A result for every query head of the group, in its order; stops early if `stop` says so.
std::vector<HeadResult> analyze_group(const AnalysisConfig& config, const HeadCatalog& catalog,
                                      const HeadGroup& group, MemoryGate& memory,
                                      const std::function<bool()>& stop,
                                      const std::function<void()>& head_done);

}  // namespace qk
