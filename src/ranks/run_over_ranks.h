// A capture run by several processes, on one machine or many: rank 0 deals documents, all ranks
// compute. The dataset is that of one process, byte for byte. How it goes: docs/cluster.md.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "capture/prepared_run.h"
#include "capture/run_options.h"
#include "cluster/crew.h"

namespace qk {

inline constexpr int kRanksStopped = 75;  // CrewEnd::exit_code of a run that can be continued

// How the ranks are getting on, seen from rank 0.
struct RanksProgress {
  RunProgress run;
  int num_ranks = 0;  // that are alive
  // While documents are captured: the rank that does the fewest tokens a second, and its part of the
  // usual speed; empty: none is far behind.
  std::string slowest;
  double slowest_part = 1;
};

struct RanksOptions {
  RunOptions run;
  CrewTimes times;
  double see_seconds = 90;  // that a rank waits until it sees a file of another node
  // On rank 0. RunOptions::progress is not called.
  std::function<void(const RanksProgress&)> progress;
  // On rank 0 at the end of a run that did not fail, while the others still wait: results are
  // reported, the dataset is published. Returns the exit code. May be empty.
  std::function<int(const RunReport& report)> conclude;
  // As CrewSides::left.
  std::function<void(bool all_left)> left;
  // For tests.
  std::string host = {};            // instead of the name of this machine
  std::string node = {};            // RankRoom::node; empty: that of the machine, or `host`
  std::optional<bool> spread = {};  // whether rank 0 reads the weights for all nodes
  int64_t spread_piece = 0;         // bytes; 0: by the number of nodes
};

struct RanksEnd {
  int exit_code = 0;          // of this process
  bool all_left = true;       // false: a rank was lost, so MPI must not be finalised
  std::string sentence = {};  // on other ranks: rank 0 was lost, or no longer answers; else empty
  RunReport report = {};      // on rank 0; on others must_overwrite alone, if rank 0 was lost
};

// As run_capture on all ranks together. Throws Error on rank 0 only, as run_capture does and with
// the sentences of other ranks ("node17 (rank 12): ..."); also: ranks of different builds,
// configurations, devices, or with an output folder that is not the same; a rank that computes
// other values. What the ranks before captured is kept for --resume then.
// options.run: --threads 0 divides the cores of a node among its ranks.
RanksEnd run_over_ranks(const PreparedRun& run, const RanksOptions& options, Transport& transport);

// Of a rank whose run could not be prepared: rank 0 refuses the run with this sentence. On rank 0
// throws Error.
RanksEnd refuse_over_ranks(const std::string& sentence, const RanksOptions& options,
                           Transport& transport);

// Of a rank that was asked to stop while its run was being prepared: all ranks end as stopped. On
// rank 0 throws Stopped.
RanksEnd stop_over_ranks(const RanksOptions& options, Transport& transport);

}  // namespace qk
