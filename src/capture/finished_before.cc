#include "capture/finished_before.h"

#include "base/error.h"
#include "capture/resume.h"

namespace qk {

std::string finished_before(const std::filesystem::path& folder, const RunOptions& options,
                            bool resumes) {
  return options.continues() && !resumes ? provenance_of_dataset(folder) : "";
}

void check_finished(const std::filesystem::path& folder, const std::string& there,
                    const std::string& here, const std::string& why_here) {
  const std::string difference = provenance_difference(there, here, why_here);
  if (!difference.empty()) {
    fail("{}: --resume found no journal but the finished dataset of another run: {}",
         folder.string(), difference);
  }
  const std::string missing = missing_of_dataset(folder);
  if (!missing.empty()) {
    fail(
        "{}: --resume found no journal but the finished dataset of this run, of which {}: "
        "--overwrite captures it again",
        folder.string(), missing);
  }
}

}  // namespace qk
