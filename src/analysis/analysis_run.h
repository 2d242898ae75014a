// The analysis of a whole dataset: every head, in order, within a budget of memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "analysis/analysis_config.h"
#include "analysis/head_result.h"
#include "base/thread_pool.h"
#include "heads/head_catalog.h"
#include "plasticity/head_metrics.h"

namespace qk {

struct AnalysisProgress {
  int64_t done = 0;  // heads
  int64_t total = 0;
  double seconds = 0;
};

struct AnalysisOptions {
  int64_t memory_bytes = 0;                 // 0: half of the machine's; all threads together
  const std::atomic<bool>* stop = nullptr;  // set from a signal handler: no further head is started
  // Both are called from one thread at a time.
  std::function<void(const HeadMetrics&)> on_head;  // in (layer, q_head) order
  std::function<void(const AnalysisProgress&)> progress;
};

struct AnalysisReport {
  bool stopped = false;                  // by `stop`; the last heads are missing
  int64_t num_heads = 0;                 // measured
  int64_t num_contradicting_ranges = 0;  // of these, heads with rows outside the catalog's ranges
  std::vector<HeadFailure> failures;     // in (layer, q_head) order
  double seconds = 0;
};

// Measures every head of the catalog. A head that cannot be read or measured is a failure and
// does not stop the others. Key files are read once for their group of query heads. The numbers do
// not depend on the number of threads. Throws Error only if on_head does.
AnalysisReport run_analysis(const AnalysisConfig& config, const HeadCatalog& catalog,
                            ThreadPool& pool, const AnalysisOptions& options);

}  // namespace qk
