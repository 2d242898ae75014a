// What this process holds in memory, as the kernel counts it.
#pragma once

#include <cstdint>
#include <optional>

namespace qk {

// Bytes. Mapped files count in `mapped` as far as their pages are resident.
struct ProcessMemory {
  int64_t anonymous = 0;
  int64_t mapped = 0;
  int64_t peak = 0;  // of the two together, since the process began
};

// Empty if /proc does not say.
std::optional<ProcessMemory> process_memory();

// Makes every large block of memory go back to the system when it is freed, so that the peak is
// what was in use at one time, not the sum of what was in use at different times.
void return_freed_memory();

}  // namespace qk
