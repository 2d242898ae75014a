// What this process may use of the machine: its affinity mask, and the limits of its control group
// (containers, batch systems) and of the groups above it.
#pragma once

#include <cstdint>
#include <filesystem>

namespace qk {

// Where the kernel says so; another root is for tests.
struct SystemFiles {
  std::filesystem::path cgroup_of_process = "/proc/self/cgroup";
  std::filesystem::path cgroup_root = "/sys/fs/cgroup";
  std::filesystem::path meminfo = "/proc/meminfo";
};

// Cores this process may run on, at least 1: a quota of 1.5 cores counts as 2.
int available_cores(const SystemFiles& files = {});

// Bytes of memory that this process may use: the machine's, or less if its group says so.
int64_t available_memory(const SystemFiles& files = {});

// Bytes of it that are free now, or hold copies of files that the kernel can drop.
int64_t free_memory(const SystemFiles& files = {});

}  // namespace qk
