// A finished dataset that a run finds where it would write.
#pragma once

#include <filesystem>
#include <string>

#include "capture/run_options.h"

namespace qk {

// The provenance of a finished dataset that the run finds in place of journals; empty: it has work.
//   resumes  there are journals to go on from
std::string finished_before(const std::filesystem::path& folder, const RunOptions& options,
                            bool resumes);

// Throws Error unless the dataset is whole and of this run.
//   there     its provenance
//   here      that of this run
//   why_here  as in provenance_difference (capture/resume.h)
void check_finished(const std::filesystem::path& folder, const std::string& there,
                    const std::string& here, const std::string& why_here);

}  // namespace qk
