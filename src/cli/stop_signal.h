// Ctrl-C (and SIGTERM): the first one asks the run to stop when it can, the second one ends the
// process at once.
#pragma once

#include <atomic>

namespace qk {

// Installs the handlers; what is returned becomes true at the first signal. To be called once.
const std::atomic<bool>& watch_stop_signals();

}  // namespace qk
