// Signals that ask a run to stop: Ctrl-C, and those that batch systems and terminals send.
#pragma once

#include <atomic>

#include "base/caught_error.h"

namespace qk {

// Installs the handlers of SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, and SIGHUP unless it is
// ignored (nohup). The returned flag becomes true at the first signal; the caller stops at the next
// safe point. Further signals change nothing, except that a second SIGINT ends the process at once.
const std::atomic<bool>& watch_stop_signals();

// The handlers say nothing: of several processes that get the same signal, one says so (rank 0).
void silence_stop_signals();

// The signals end the process again, as they did before.
void leave_stop_signals();

// If the variable QKSCOPE_STOP_WITH is the id of the process that started this one, its end is SIGTERM
// for this one. No process that this one starts gets the variable.
void stop_with_parent();

// Handles two signals that would end the process silently. A mapped file that can no longer be read
// (SIGBUS) ends it with a sentence and exit code 1. The limit on file sizes (SIGXFSZ) is ignored,
// so that the write that exceeds it fails. To be called once, before anything else.
void watch_fault_signals();

}  // namespace qk
