// One key head and its query heads: files in, numbers out.
#pragma once

#include <functional>
#include <vector>

#include "analysis/analysis_config.h"
#include "analysis/head_result.h"
#include "analysis/memory_gate.h"
#include "heads/head_catalog.h"

namespace qk {

// A result for every query head of the group, in its order; returns early if stop() is true.
std::vector<HeadResult> analyze_group(const AnalysisConfig& config, const HeadCatalog& catalog,
                                      const HeadGroup& group, MemoryGate& memory,
                                      const std::function<bool()>& stop,
                                      const std::function<void()>& head_done);

}  // namespace qk
