// The weights of a run over ranks, read once a node: what rank 0 asks of the ranks, and what they
// answer. The first rank of a node copies, then its neighbours open the copies.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "capture/run_steps.h"
#include "cluster/crew.h"
#include "ranks/rank_stages.h"
#include "staging/file_system.h"
#include "staging/piece_source.h"
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
//   source  for the first rank of a node: of the weights; null: their files
StagingAnswer stage_on_node(const RunContext& context, const StagingTask& task,
                            std::optional<StagedFiles>& staged, PieceSource* source = nullptr);

// On rank 0: how weights are read once for all nodes.
struct WeightSpread {
  std::vector<WeightFile> files;        // weight_files()
  std::unique_ptr<PieceSource> source;  // of them
  int in_hand = 2;                      // CrewSides::in_hand
  int64_t piece_bytes = 0;              // 0: by the number of nodes
  std::function<void(int64_t done, int64_t total, const std::vector<RankState>&)> show = {};
};
// Whether that is to be done: more than four nodes, the weights are staged, and on a file system
// that has one server. None: each node reads for itself.
using FileSystemOf = std::function<FileSystemKind(const std::filesystem::path&)>;
std::optional<WeightSpread> choose_spread(const RunContext& context,
                                          std::span<const std::string> nodes,
                                          std::optional<bool> forced,
                                          const FileSystemOf& file_system = file_system_of);

// On rank 0.
struct StagedRanks {
  StagePlace place;   // of rank 0
  int64_t bytes = 0;  // likewise
  int num_sent = 0;   // other nodes that got the bytes from rank 0; 0: each node read for itself
  std::vector<RankDigest> digests;                    // of the first rank of each node
  std::vector<std::pair<int, std::string>> warnings;  // of ranks
};
// nodes: [ranks] RankRoom::node. names: [ranks] rank_name(), for sentences. Throws Error, also if a
// copy that was sent is not that of the others; Stopped.
StagedRanks stage_on_nodes(Leader& leader, std::span<const std::string> nodes,
                           std::span<const std::string> names,
                           const std::optional<WeightSpread>& spread = {});

}  // namespace qk
