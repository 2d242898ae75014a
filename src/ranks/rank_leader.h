// Rank 0's lead of a run: the stages, one after the other. Threads: one.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "capture/corpus_documents.h"
#include "capture/earlier_work.h"
#include "capture/prepared_run.h"
#include "capture/run_options.h"
#include "capture/run_steps.h"
#include "cluster/crew.h"
#include "ranks/rank_facts.h"
#include "ranks/rank_stages.h"
#include "ranks/run_over_ranks.h"

namespace qk {

class RankLeader {
 public:
  // REQUIRES: all outlive the object.
  RankLeader(const PreparedRun& run, const RanksOptions& options, Leader& leader,
             RunReport& report);

  // The whole run. Returns the exit code. Throws Error.
  int lead();

 private:
  void agree();
  // Documents are only for ranks whose answers were compared. answered: [ranks]
  void leave_out_silent(const std::vector<bool>& answered);
  void warn_of_memory(const MemoryPlan& memory) const;
  void compare_probes();
  // Returns the digests of the weights, if they were read for this.
  std::vector<RankDigest> stage_weights_on_nodes(const RunContext& context);
  // Throws Error: ranks read different files. digests: those that are known
  std::vector<IdentifiedFile> digest_files(std::vector<RankDigest> digests, ThreadPool& pool);
  int run_with(const RunContext& context, const std::string& finished);
  // What earlier starts have left. Once this returns, a journal says whether a dataset is replaced.
  EarlierWork begin_journals(const RunContext& context, const RunRecord& record);
  int capture(const RunContext& context, const RunRecord& record);
  // False: the run is to stop.
  bool deal_documents(const RunContext& context, const RunRecord& record,
                      const EarlierWork& earlier, CorpusDocuments& source, CaptureCounts& counts);
  std::string journal_name(int rank) const;
  // The indexes of all journals, of which `known_` has those that need no look.
  std::vector<WriteStage::Journal> journals();
  DatasetSummary write(const std::vector<WriteStage::Journal>& files, const JournalSet& journals,
                       const DatasetOptions& options, const CaptureCounts& counts);
  int finish(const RunContext& context, const RunRecord& record, const Captured& captured);
  // Throws the fault, with what is kept of the run.
  [[noreturn]] void settle(const Error& fault, const CaptureCounts& counts) const;
  void show(const RunProgress& progress, const std::vector<RankState>& states) const;
  void warn(const std::string& sentence) const;
  std::filesystem::path folder() const { return run_.config.output.data_root; }

  const PreparedRun& run_;
  const RanksOptions& options_;
  Leader& leader_;
  RunReport& report_;
  std::string token_;  // of this start
  std::vector<RankFacts> ranks_;
  std::vector<Placement> placed_;   // [ranks]
  std::vector<std::string> hosts_;  // [ranks] "node17 (rank 12)"
  std::vector<std::string> nodes_;  // [ranks] RankRoom::node
  std::set<int> left_out_;          // ranks that take no further part
  std::set<int> apart_;             // ranks that may read weights which their node has staged
  int num_threads_ = 0;
  bool has_journals_ = false;                 // begin_journals() has returned
  std::map<std::string, std::string> known_;  // indexes of journals, by name
  std::set<int> captured_;                    // ranks that have a document in their journal
};

}  // namespace qk
