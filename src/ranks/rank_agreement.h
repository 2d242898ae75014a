// Whether the ranks see one output folder, and compute the same values.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ranks/rank_facts.h"
#include "ranks/rank_stages.h"

namespace qk {

// Throws Error, one sentence: a rank does not see what rank 0 wrote into `folder`, or computes other
// values than most do. Ranks without an answer were lost.
//   answers  [ranks]
void check_answers(std::span<const RankFacts> ranks,
                   std::span<const std::optional<AgreeAnswer>> answers, const std::string& folder);

// Throws that Error about the folder.
[[noreturn]] void fail_unseen(const RankFacts& rank, size_t index, const RankFacts& first,
                              const std::string& folder);

// On a rank: waits until the file has the stage's token. False: it does not come.
bool sees_token(const std::filesystem::path& file, const AgreeStage& stage);

std::vector<RankRoom> rooms_of(std::span<const RankFacts> ranks);

}  // namespace qk
