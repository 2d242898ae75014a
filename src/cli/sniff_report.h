// What `qkscope sniff` says at its end.
#pragma once

#include "capture/run.h"

namespace qk {

// Results go to stdout, warnings and why the run stopped to stderr. Returns the exit code.
int report_run(const PreparedRun& run, const RunOptions& options, const RunReport& report);

}  // namespace qk
