// Weights that rank 0 reads once and sends to the first rank of each node, where the file system is
// slower than the network between the nodes: all of them reading at once would share one server.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/crew.h"
#include "ranks/rank_staging.h"
#include "staging/piece_source.h"

namespace qk {

// What all ranks are told first.
struct SpreadStage {
  std::vector<int32_t> num_local_ranks;  // [ranks] of its node, if it is the first there; else 0
  std::vector<int64_t> file_bytes;       // of the files of rank 0, in the order of weight_files()
};
std::string encode(const SpreadStage& stage);
SpreadStage decode_spread_stage(std::string_view body);

// On a rank: as stage_on_node() of the first rank of a node, with the bytes from rank 0; the answer
// is that of the last piece. A rank that was given up meanwhile stages nothing. Throws Error.
void receive_weights(const RunContext& context, const SpreadStage& stage, Worker& worker,
                     std::optional<StagedFiles>& staged);

// On rank 0: reads each file once, in order. At most 192 MiB of pieces are held, however many nodes
// there are (up to a thousand). Answers come from all first ranks but those that were lost. False:
// the run is to stop. Throws Error.
bool send_weights(Leader& leader, const SpreadStage& stage, const WeightSpread& spread,
                  std::map<int, StagingAnswer>& answers);

}  // namespace qk
