// A look at the ranks of a run before it is begun: `sniff --dry-run` under a launcher.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ranks/placement.h"
#include "ranks/rank_facts.h"
#include "ranks/run_over_ranks.h"

namespace qk {

struct CheckedRank {
  RankFacts facts;
  Placement placement;
  std::optional<bool> sees_folder = {};  // the output folder is that of rank 0; none: it was lost
  // At which 256 MiB of the weights came, none of them from memory as far as the system allows it;
  // 0: another rank of the node read, or the weights are not there.
  double bytes_per_second = 0;
};

// Throws Error on rank 0: ranks that do not fit together (rank_facts.h), do not see one folder, which
// is made for the moment, or are lost meanwhile. conclude: on rank 0; returns the exit code. Returns that of this
// process.
int check_ranks(const PreparedRun& run, const RanksOptions& options, Transport& transport,
                const std::function<int(const std::vector<CheckedRank>&)>& conclude);

// The table for a user; the warnings of placement.h are part of it.
std::string checked_text(const std::vector<CheckedRank>& ranks, const std::string& launcher,
                         const std::string& mpi);

}  // namespace qk
