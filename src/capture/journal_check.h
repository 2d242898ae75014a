// The last look at the journals before files are written from it.
#pragma once

#include <functional>

#include "base/thread_pool.h"
#include "capture/plan.h"
#include "journal/journal_set.h"

namespace qk {

// Draws the rows of every document again and compares: each layer and kind has a record with
// exactly the heads, positions and buckets of the plan, and there is no other record. Throws Error
// naming document, layer and kind. `step` is called before each document, by any thread; what it
// throws ends the check. REQUIRES: the plan is that of the run.
void check_journal_rows(const JournalSet& journal, const CapturePlan& plan, ThreadPool& pool,
                        const std::function<void()>& step = {});

}  // namespace qk
