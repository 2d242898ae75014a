// The progress of downloads and uploads on stderr, as cli/progress_line.h shows it.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "cli/progress_line.h"
#include "download/download.h"

namespace qk {

// "download  3/5 files, 1.2 of 16.4 GB, 85.0 MB/s, 3 min 05 s left"
std::string transfer_text(const TransferProgress& progress);

// Threads: any.
class TransferLine {
 public:
  // A transfer that takes less than a moment leaves no line behind.
  void show(const TransferProgress& progress);
  // A whole sentence, for instance that the Hub asks to wait; the line stands below it.
  void note(const std::string& sentence);

 private:
  std::mutex mutex_;
  std::optional<ProgressLine> line_;  // of the transfer in progress
  double seconds_ = 0;                // of that transfer, at the last call
};

}  // namespace qk
