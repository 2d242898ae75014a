// Whether the disk has room for a run: for its journal and, at the end, the dataset beside it; and for
// the weights that are still to be downloaded, on the same disk or on another.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "capture/design.h"

namespace qk {

struct DiskRoom {
  double needed = 0;           // bytes
  double download = 0;         // of these, weights to come; their size is known
  std::optional<double> free;  // none: the system does not say
  bool is_exact = false;       // every document was measured; else `needed` is estimated
  bool fits() const { return !free || needed <= *free; }
  // Sure to fail: measured, or far from enough.
  bool is_hopeless() const {
    return !fits() && (is_exact || needed - download > 2 * (*free - download));
  }
};

// lengths: of the corpus. What a journal in the folder already takes is not needed again.
DiskRoom plan_disk(const PreparedRun& run, const CorpusLengths& lengths);

// For the weights that the run would download, where they go.
DiskRoom plan_download(const PreparedRun& run);

// Before a run, which may be prepared as a plan only. Documents are measured only if the room would not do for the longest that max_length
// allows; the corpus is then opened anew. Throws Error if the disk is hopelessly full; if it may be
// too full, a sentence for a warning, else empty.
std::string check_disk(PreparedRun& run, Resolver& resolver);

// One sentence: the folder's disk lacks room.
std::string disk_sentence(const std::filesystem::path& folder, const DiskRoom& room);

}  // namespace qk
