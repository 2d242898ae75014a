// What `qkscope sniff` says at its end.
#pragma once

#include <string>

#include "capture/run.h"

namespace qk {

// Results go to stdout, as text or as one JSON object, warnings and why the run stopped to stderr.
// Returns the exit code.
int report_run(const PreparedRun& run, const RunOptions& options, const RunReport& report,
               bool as_json);

// With --finish: which documents are missing, and all shards that have one, as `sbatch --array=` takes
// them: "documents 17, 49, 81 are missing (shard 17 of 32): run it again".
std::string missing_text(const RunReport& report);

// How fast this start captured: ", 1234 tokens/s", or of what several starts captured
// "; this start: 47,800 tokens, 5691 tokens/s". Empty if it captured nothing.
std::string speed_text(const CaptureCounts& counts, bool of_part);

// What makes a run that stopped go on: "use --resume to continue".
std::string continue_text(const RunOptions& options, const RunReport& report);

}  // namespace qk
