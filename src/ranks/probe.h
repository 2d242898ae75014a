// A few fixed tokens through the first layers of the model: equal on every rank that computes
// correctly.
#pragma once

#include <string>

#include "base/thread_pool.h"
#include "capture/prepared_run.h"
#include "capture/run_options.h"

namespace qk {

// A digest of the queries and keys of 64 tokens in the first two layers that have any, by every
// device of the run ("1f.../1f..." for two). Throws Error.
std::string probe(const PreparedRun& run, const RunOptions& options, ThreadPool& pool);

}  // namespace qk
