// The weights of a run over ranks, read once a node: what rank 0 asks of the ranks, and what they
// answer. The first rank of a node copies, then its neighbours open the copies.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "capture/run_steps.h"
#include "cluster/crew.h"
#include "ranks/rank_stages.h"
#include "staging/stage_files.h"

namespace qk {

// What one rank is to do.
struct StagingTask {
  int32_t local_rank = 0, num_local_ranks = 1;
  std::string place = {};  // of the first rank of the node, as it gave it; of no use to itself
  std::string told = {};   // by it to its neighbours
};

struct StagingAnswer {
  std::string place = {};  // for the neighbours
  bool stages = false;
  std::string told = {};
  int64_t bytes = 0;                                          // of the copies
  std::vector<std::pair<int64_t, std::string>> digests = {};  // file of source_files(), SHA-256
  std::string warning = {};
};

std::string encode(const StagingTask& task);
StagingTask decode_staging_task(std::string_view bytes);
std::string encode(const StagingAnswer& answer);
StagingAnswer decode_staging_answer(std::string_view bytes);

// On a rank. `staged` has the copies afterwards, and must live as long as the run.
StagingAnswer stage_on_node(const RunContext& context, const StagingTask& task,
                            std::optional<StagedFiles>& staged);

// On rank 0.
struct StagedRanks {
  StagePlace place;                                   // of rank 0
  int64_t bytes = 0;                                  // likewise
  std::vector<RankDigest> digests;                    // of the first rank of each node
  std::vector<std::pair<int, std::string>> warnings;  // of ranks
};
// nodes: [ranks] RankRoom::node. Throws Error; Stopped.
StagedRanks stage_on_nodes(Leader& leader, std::span<const std::string> nodes);

}  // namespace qk
