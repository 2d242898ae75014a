// What the first process of a node tells the others about the copies that it holds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_stamp.h"

namespace qk {

struct StageNote {
  struct Copy {
    int fd = -1;  // in the process that holds it
    FileStamp stamp;
    std::string sha256;
    bool operator==(const Copy&) const = default;
  };
  int64_t pid = 0;
  std::vector<Copy> copies;
  std::string error;     // a sentence: there are no copies
  bool stopped = false;  // the run was asked to stop: there are no copies
  bool operator==(const StageNote&) const = default;
};

std::string encode(const StageNote& note);
// Throws Error if it is none.
StageNote decode_stage_note(std::string_view text);

}  // namespace qk
