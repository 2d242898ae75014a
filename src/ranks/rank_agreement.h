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

// Throws Error, one sentence: a rank does not see what rank 0 wrote into `folder`.
//   sees  [ranks] none: the rank was lost
void check_folder(std::span<const RankFacts> ranks, std::span<const std::optional<bool>> sees,
                  const std::string& folder);

// Throws Error, one sentence: a rank computes other values than most do.
//   probes  [ranks] as probe() gives them; none: the rank was lost
void check_probes(std::span<const RankFacts> ranks,
                  std::span<const std::optional<std::string>> probes);

// Throws that Error about the folder.
[[noreturn]] void fail_unseen(const RankFacts& rank, size_t index, const RankFacts& first,
                              const std::string& folder);

// On a rank: waits until the file has the stage's token. False: it does not come.
bool sees_token(const std::filesystem::path& file, const AgreeStage& stage);

std::vector<RankRoom> rooms_of(std::span<const RankFacts> ranks);

}  // namespace qk
