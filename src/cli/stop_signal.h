// Ctrl-C and SIGTERM: the first asks the run to stop at the next safe point, the second ends the
// process at once.
#pragma once

#include <atomic>

namespace qk {

// Installs the handlers. The returned flag becomes true at the first signal. To be called once.
const std::atomic<bool>& watch_stop_signals();

// Handles two signals that would end the process silently. A mapped file that can no longer be read
// (SIGBUS) ends it with a sentence and exit code 1. The limit on file sizes (SIGXFSZ) is ignored,
// so that the write that exceeds it fails. To be called once, before anything else.
void watch_fault_signals();

}  // namespace qk
