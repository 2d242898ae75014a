// Where a run would compute: the torch plugin, GPUs, what `auto` chooses.
#pragma once

#include "doctor/finding.h"

namespace qk {

// Loads the plugin if it is there, and opens the device that --device auto would take.
FindingSection device_findings();

}  // namespace qk
