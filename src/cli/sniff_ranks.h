// `sniff` as one of several ranks of an MPI launcher.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/caught_error.h"
#include "capture/run.h"
#include "cli/progress_line.h"
#include "cluster/mpi_start.h"
#include "ranks/run_over_ranks.h"

namespace qk {

// "312/500 documents, 64 ranks, 510k tokens/s, 12 min left; slowest node17 (0.8x)"
std::string ranks_text(const RanksProgress& progress);

constexpr double kPlainProgress = 60;  // seconds between two lines of it without a terminal

// What to say if this shard may be computed once by each of several copies that a launcher started;
// empty: nothing. Copies with shards of their own, counted by rank, hear nothing; of the others one does.
std::string copies_warning(const Launcher& launcher, const Shard& shard);

// What a copy of --finish says that leaves the work to rank 0: it may have been meant for another run.
std::string finish_warning(const Launcher& launcher, const std::string& config);

// Whether this process leaves it to rank 0 of its launcher to say what is wrong with the words of a
// command line: those of a `sniff` that all ranks run together are the same everywhere. Shards may differ.
bool leaves_words_to_rank_0(std::span<const std::string> words, const Launcher& launcher);

// Whether this rank prints the sentence of its end. That rank 0 was lost all would say alike, so rank 1
// does; an error of its own loop is known to nobody else.
bool says_end(const RanksEnd& end, int rank);

// Whether rank 0 has said why the run was not prepared on this rank, given how refuse_over_ranks or
// stop_over_ranks (was_stopped) ended here.
bool has_rank_0_said(const RanksEnd& end, bool was_stopped);

// Threads: the one that made it.
class SniffRanks {
 public:
  // mpi: of --mpi, "off" if this command knows no ranks. Throws Error: launcher and MPI library do not
  // belong together.
  explicit SniffRanks(const std::string& mpi);

  bool is_on() const { return mpi_.transport != nullptr; }
  // This process has nothing to do, and says nothing: another one says why.
  bool is_refused() const { return mpi_.is_refused; }
  // Rank 0, or there are no ranks: prints, publishes, knows the time limit.
  bool speaks() const { return !is_on() || mpi_.transport->rank() == 0; }
  // On this node; none without ranks.
  std::optional<int> local_rank() const { return local_rank_; }

  // The whole of the command on this rank, which calls run() once. An error of it reaches rank 0, which
  // alone prints it. Leaves MPI; returns the exit code, unless a rank was lost: then the process ends.
  int guard(const std::function<int()>& command);

  // conclude: RanksOptions::conclude. Throws Error on rank 0.
  int run(const PreparedRun& run, RunOptions options, bool quiet,
          const std::function<int(const RunReport&)>& conclude);
  // The same of a dry run: prints on rank 0 what the ranks are and see.
  int check(const PreparedRun& run, RunOptions options, const std::function<int()>& conclude);

 private:
  RanksOptions ranks_options(const RunOptions& options);
  // Before run() or check(): tells rank 0. The sentence is cleared if that has said it; the exit code
  // becomes that of this process. On rank 0 throws Error, or Stopped.
  void leave_unprepared(CaughtError& error);

  CrewTimes times_;  // this and the next are set while mpi_ is started
  std::optional<int> local_rank_;
  MpiStart mpi_;
  bool has_begun_ = false;  // run() or check()
  bool all_left_ = true;
};

}  // namespace qk
