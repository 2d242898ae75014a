#include "base/process_memory.h"

#include <malloc.h>

#include <fstream>
#include <string>

namespace qk {

std::optional<ProcessMemory> process_memory() {
  std::ifstream status("/proc/self/status");
  ProcessMemory memory;
  int64_t shared = 0;  // files in memory
  int found = 0;
  std::string key;
  int64_t kib = 0;
  while (status >> key) {
    int64_t* number = key == "VmHWM:"      ? &memory.peak
                      : key == "RssAnon:"  ? &memory.anonymous
                      : key == "RssFile:"  ? &memory.mapped
                      : key == "RssShmem:" ? &shared
                                           : nullptr;
    if (number != nullptr && status >> kib) {
      *number = kib * 1024;
      ++found;
    }
    status.ignore(4096, '\n');
  }
  if (found != 4) return std::nullopt;
  memory.mapped += shared;
  return memory;
}

void return_freed_memory() {
#ifdef __GLIBC__
  constexpr int kLargeBytes = 256 * 1024;
  ::mallopt(M_MMAP_THRESHOLD, kLargeBytes);
  ::mallopt(M_TRIM_THRESHOLD, kLargeBytes);
  ::mallopt(M_ARENA_MAX, 2);
#endif
}

}  // namespace qk
