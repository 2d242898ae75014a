// What `sniff --dry-run` prints.
#pragma once

#include <string>

#include "capture/design.h"
#include "capture/disk_room.h"
#include "capture/memory_plan.h"
#include "capture/prepared_run.h"
#include "device/devices.h"

namespace qk {

// The plan of a run, up to where its dataset goes.
std::string plan_text(const PreparedRun& run, const MemoryPlan& memory, const Devices& devices,
                      const CorpusLengths& lengths);

// Where a run computes and in what type: "cuda (NVIDIA H200), in bfloat16".
std::string device_line(const PreparedRun& run, const Devices& devices);

// Where the weights are read from, if they are staged; else empty.
std::string stage_text(const StagePlace& place);

// Where the dataset goes: the end of the plan.
//   publishing  on the Hub (cli/sniff_publish.h); empty: it is not published
std::string output_text(const SniffConfig& config, const DiskRoom& disk,
                        const std::string& publishing);

}  // namespace qk
