// What `sniff --dry-run` prints.
#pragma once

#include <string>

#include "capture/design.h"
#include "capture/memory_plan.h"
#include "capture/prepared_run.h"

namespace qk {

// The plan of a run: what --dry-run prints.
std::string plan_text(const PreparedRun& run, const MemoryPlan& memory,
                      const CorpusLengths& lengths);

}  // namespace qk
