// What becomes of the journal of a run that fails.
#pragma once

#include <filesystem>

#include "base/error.h"
#include "capture/run_options.h"

namespace qk {

// A journal with rows is kept: throws `fault` with a sentence that says so. One without is removed,
// because the next run would be refused for it.
void settle_journal(const Error& fault, const std::filesystem::path& folder,
                    const CaptureCounts& counts);

}  // namespace qk
