#include "capture/failed_run.h"

#include <fmt/format.h>

#include "dataset/overwrite.h"

namespace qk {

void settle_journal(const Error& fault, const std::filesystem::path& folder,
                    const CaptureCounts& counts) {
  if (counts.num_rows > 0) {
    const int64_t count = counts.num_documents;
    fail("{}; {} kept: use --resume to continue", fault.what(),
         count == 1 ? "the whole document of the journal is"
                    : fmt::format("the {} whole documents of the journal are", count));
  }
  try {
    remove_journal(folder);
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the first error is the one to report
  }
}

}  // namespace qk
