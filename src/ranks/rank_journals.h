// The journals of a run as its ranks read and write from them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "journal/journal.h"
#include "ranks/rank_stages.h"

namespace qk {

// The journals in `folder`, without a scan. Throws Error if one does not come, or not so much of it
// as its index says.
std::vector<JournalReader> open_indexed(const std::filesystem::path& folder,
                                        std::span<const WriteStage::Journal> journals,
                                        double wait_seconds);

// [ranks] 1 for those that write files of the dataset: on at most 16 nodes, since more would only
// wait for the file system.
//   nodes  [ranks]
std::vector<uint8_t> writing_ranks(std::span<const std::string> nodes);

}  // namespace qk
