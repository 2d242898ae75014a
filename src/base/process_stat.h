// What the kernel says of a process in /proc/<pid>/stat.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace qk {

struct ProcessStat {
  char state = '?';         // 'Z': ended, and its parent has not asked how
  int64_t parent = 0;       // its number
  int64_t start_ticks = 0;  // since the start of the machine, sysconf(_SC_CLK_TCK) a second
};

// None: there is no such process here, or the text is another.
std::optional<ProcessStat> process_stat(int64_t pid);

// Of the text of that file. The name of the program, which is in it, may hold anything.
std::optional<ProcessStat> parse_process_stat(std::string_view text);

}  // namespace qk
