// What `sniff --dry-run` prints.
#pragma once

#include <string>

#include "capture/prepared_run.h"
#include "capture/run_options.h"

namespace qk {

// Model, documents, sampler, heads, layers (with the reason for each that is skipped), rows, bytes,
// memory, output.
std::string plan_text(const PreparedRun& run, const RunOptions& options);

// "0-3, 7, 9-11"
std::string ranges_text(const std::vector<int32_t>& ascending);

}  // namespace qk
