// Ctrl-C (and SIGTERM): the first one asks the run to stop when it can, the second one ends the
// process at once.
#pragma once

#include <atomic>

namespace qk {

// Installs the handlers; what is returned becomes true at the first signal. To be called once.
const std::atomic<bool>& watch_stop_signals();

// What would end the process without a word: a mapped file that can no longer be read (SIGBUS) ends
// it with a sentence and exit code 1; the limit on file sizes (SIGXFSZ) is left to the write that
// meets it. To be called once, before anything else.
void watch_fault_signals();

}  // namespace qk
