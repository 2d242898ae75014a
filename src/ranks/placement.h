// Where the ranks of a node compute: its cores and its devices divided among them. Pure functions.
// Rules: docs/cluster.md, "Slurm: MPI job".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qk {

// What one rank may use, as it sees it itself.
struct RankRoom {
  std::string host;          // for sentences
  std::string node;          // the same text for all ranks of one machine, and for no others
  std::string cores;         // its affinity mask: "0-7,16"
  int num_cores = 1;         // of the mask, or fewer if a quota says so
  int node_cores = 1;        // of the machine
  int64_t memory_bytes = 0;  // of the machine, or less if its control group says so
};

struct Placement {
  int num_threads = 1;
  int64_t memory_bytes = 0;
};

// [ranks] Ranks of one node with equal masks share the cores of the mask, all ranks of a node its
// memory. Every rank has a thread.
std::vector<Placement> place_ranks(std::span<const RankRoom> ranks);

// Sentences for the user: ranks that compute on one core while their node has more that nobody was given.
std::vector<std::string> placement_warnings(std::span<const RankRoom> ranks);

// A sentence if a rank needs more than its share of its node's memory; else empty.
//   needed  bytes beside the weights, whose pages the ranks of a node share
std::string memory_warning(const RankRoom& rank, const Placement& place, int64_t needed);

// Which physical device the visible device `index` is, so that two processes of one node can be
// compared. visible: CUDA_VISIBLE_DEVICES, or none; minors: of the device files that this process
// may open, ascending. "gpu 3", or the name that the variable gives.
std::string device_identity(const std::optional<std::string>& visible, std::span<const int> minors,
                            int index);

}  // namespace qk
