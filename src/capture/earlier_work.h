// What earlier starts of a run have left in its journals.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "capture/run_steps.h"
#include "journal/journal_set.h"

namespace qk {

struct EarlierWork {
  std::vector<int64_t> done = {};  // documents that are whole in one of the journals, ascending
  CaptureCounts counts = {};       // of those that this run captures: all, or its shard's
  bool overwrite = false;          // the run replaces the dataset that is in the folder
  int64_t num_shards = 0;          // RunReport::num_shards
};

// Throws Error naming the journal of another run. Warns of damage, and says which documents it cost.
EarlierWork earlier_work(const JournalSet& journals, const RunContext& context,
                         const RunRecord& record);

// Whether the run replaces the dataset that is in the folder, by the headers of its journals, empty
// ones too. Throws Error naming the journal of another run.
bool overwrites(const std::vector<std::filesystem::path>& journals, const RunContext& context,
                const RunRecord& record);

// The journals in the output folder that this run reads; none if there are none. A shard passes over
// those of other shards of the same N, whose documents are never its own and which other processes
// may be writing. Throws Error naming the journal of another run, or one that cannot be read.
std::optional<JournalSet> open_earlier_journals(const RunContext& context, const RunRecord& record);

}  // namespace qk
