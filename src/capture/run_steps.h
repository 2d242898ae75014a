// The three steps of a run. Each takes what the one before gives.
#pragma once

#include <string>
#include <vector>

#include "base/stopped.h"
#include "base/thread_pool.h"
#include "capture/memory_plan.h"
#include "capture/prepared_run.h"
#include "capture/run_options.h"

namespace qk {

// What all steps need. REQUIRES: the output folder is locked and prepared (dataset/overwrite.h)
// from the second step on.
struct RunContext {
  const PreparedRun& run;
  const RunOptions& options;
  const MemoryPlan& memory;
  ThreadPool& pool;
  bool resumes = false;  // the run continues the journal in the folder
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
RunRecord identify_run(const RunContext& context);

struct Captured {
  bool stopped = false;    // by options.stop: the journal is not complete
  bool overwrite = false;  // of this run, or of the interrupted one
  CaptureCounts counts;
  std::vector<std::string> document_names;  // [documents] of the whole corpus, unless it stopped
};

// Every document into the journal, except those that are in it already. Throws Error; a journal
// with rows is kept then, and the message says so.
Captured capture_documents(const RunContext& context, const RunRecord& record);

struct Finished {
  bool stopped = false;  // by options.stop: there is no dataset, the journal is kept
  DocumentCounts documents;
  DatasetSummary dataset;
};

// Makes the dataset from the journal and removes the journal. Throws Error; the journal is kept
// then, and the message says so. REQUIRES: the capture was not stopped.
Finished make_dataset(const RunContext& context, const RunRecord& record, const Captured& captured);

}  // namespace qk
