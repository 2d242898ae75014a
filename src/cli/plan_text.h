// What `sniff --dry-run` prints.
#pragma once

#include <string>

#include "capture/memory_plan.h"
#include "capture/prepared_run.h"

namespace qk {

// Model, documents, sampler, heads, layers (with the reason for each that is skipped), rows, bytes,
// memory, output.
std::string plan_text(const PreparedRun& run, const MemoryPlan& memory);

// "0-3, 7, 9-11"
std::string ranges_text(const std::vector<int32_t>& ascending);

}  // namespace qk
