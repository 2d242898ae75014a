// The machine: system, processor, cores, memory, the disk of the working folder.
#pragma once

#include <filesystem>

#include "base/machine_limits.h"
#include "doctor/finding.h"

namespace qk {

// Where the system says so; others are for tests.
struct MachineFiles {
  SystemFiles limits = {};
  std::filesystem::path cpuinfo = "/proc/cpuinfo";
  std::filesystem::path os_release = "/etc/os-release";
  std::filesystem::path working_folder = ".";
};

FindingSection machine_findings(const MachineFiles& files = {});

// Of the disk that a folder is on, or would be on: `what` is its name in the list.
Finding disk_finding(const std::string& what, const std::filesystem::path& folder);

}  // namespace qk
