#include "capture/failed_run.h"

#include <fmt/format.h>

namespace qk {

std::string continue_text(const RunOptions& options) {
  if (options.shard) return "run the same shard again to continue";
  return options.finish ? "use --finish again" : "use --resume to continue";
}

void settle_journal(const Error& fault, const std::filesystem::path& journal,
                    const CaptureCounts& counts, const RunOptions& options) {
  if (counts.num_rows > 0) {
    const int64_t count = counts.num_documents;
    fail("{}; {} kept: {}", fault.what(),
         count == 1 ? "the whole document of the journal is"
                    : fmt::format("the {} whole documents of the journal are", count),
         continue_text(options));
  }
  std::error_code error;  // the fault is the one to report
  std::filesystem::remove(journal, error);
  std::filesystem::remove(journal.parent_path(), error);  // stays if it holds other files
}

}  // namespace qk
