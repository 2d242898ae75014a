// What becomes of the journals of a run that fails.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"
#include "capture/run_options.h"

namespace qk {

// What makes a run with these options go on from its journals: "use --resume to continue".
std::string continue_text(const RunOptions& options);

// Journals with rows are kept: throws `fault` with a sentence that says so. Without rows the journal
// of this process is removed, because the next run would be refused for it.
void settle_journal(const Error& fault, const std::filesystem::path& journal,
                    const CaptureCounts& counts, const RunOptions& options);

}  // namespace qk
