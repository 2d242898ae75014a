// The last look at the journals before files are written from it.
#pragma once

#include "base/thread_pool.h"
#include "capture/plan.h"
#include "journal/journal_set.h"

namespace qk {

// Draws the rows of every document again and compares: each layer and kind has a record with
// exactly the heads, positions and buckets of the plan, and there is no other record. Throws Error
// naming document, layer and kind. REQUIRES: the plan is that of the run.
void check_journal_rows(const JournalSet& journal, const CapturePlan& plan, ThreadPool& pool);

}  // namespace qk
