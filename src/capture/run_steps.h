// The three steps of a run. Each takes what the one before gives.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/stopped.h"
#include "base/thread_pool.h"
#include "capture/memory_plan.h"
#include "capture/prepared_run.h"
#include "capture/run_options.h"
#include "download/file_identity.h"
#include "journal/journal_set.h"

namespace qk {

// What all steps need. REQUIRES: the output folder is locked and prepared (dataset/overwrite.h)
// from the second step on.
struct RunContext {
  const PreparedRun& run;
  const RunOptions& options;
  const MemoryPlan& memory;
  ThreadPool& pool;
  bool resumes = false;           // the run continues the journals in the folder
  std::filesystem::path journal;  // that this process writes
};

inline bool stop_wanted(const RunOptions& options) {
  return options.stop != nullptr && options.stop->load(std::memory_order_relaxed);
}

// Throws Stopped if the run is to stop.
inline void check_stop(const RunOptions& options) {
  if (stop_wanted(options)) throw Stopped();
}

// What the footers of the files say (capture/provenance.h), as JSON.
struct RunRecord {
  std::string provenance, geometry;
};

// Reads all files of model and corpus for their digests. Throws Error: a file cannot be read, or
// the certificate is of another model; Stopped, except with options.overwrite: --resume could not
// continue before the journal says that an older dataset is to be replaced.
//   known  digests by path of files that were read before; these are not read
RunRecord identify_run(const RunContext& context,
                       const std::map<std::filesystem::path, std::string>& known = {});

// The same once the model's files have been digested, in the order of source_files().
RunRecord identify_run(const RunContext& context, std::vector<IdentifiedFile> model_files);

struct Captured {
  bool stopped = false;          // by options.stop or the time limit: documents are missing
  std::string out_of_time = {};  // RunReport::out_of_time
  bool overwrite = false;        // of this run, or of the interrupted one
  CaptureCounts counts = {};
  int64_t num_documents = 0;                     // of the whole corpus, unless it stopped
  std::vector<std::string> document_names = {};  // [num_documents] unless compat: reference
  std::vector<int64_t> missing = {};  // by collect_documents: those that no journal has, ascending
  int64_t num_shards = 0;             // RunReport::num_shards
};

// Every document, or those of the shard, into the journal of this process, except those that a
// journal has already. Throws Error; a journal with rows is kept then, and the message says so.
Captured capture_documents(const RunContext& context, const RunRecord& record);

// Computes nothing: which documents the journals have, and which are missing. Throws Error; Stopped.
Captured collect_documents(const RunContext& context, const RunRecord& record,
                           const JournalSet& journals);

// Throws Error, with what would help, if the journals of a whole run have not one row.
void check_rows(const SniffConfig& config, const CaptureCounts& counts);

struct Finished {
  bool stopped = false;  // by options.stop: there is no dataset, the journals are kept
  DocumentCounts documents;
  DatasetSummary dataset;
};

// Writes the files of the dataset, as write_dataset does.
using WriteFiles = std::function<DatasetSummary(const JournalSet&, const DatasetOptions&)>;

// Makes the dataset from the journals and removes them. Throws Error; the journals are kept then,
// and the message says so. REQUIRES: the capture was not stopped, and no document is missing.
//   write  none: this process writes all files
Finished make_dataset(const RunContext& context, const RunRecord& record, const Captured& captured,
                      const JournalSet& journals, const WriteFiles& write = {});

// Likewise, from the journals in the output folder.
Finished make_dataset(const RunContext& context, const RunRecord& record, const Captured& captured);

}  // namespace qk
