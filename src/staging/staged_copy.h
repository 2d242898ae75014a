// The copy of one file: without a name, so that it is gone when the last process that has it open ends,
// however it ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "staging/owned_fd.h"
#include "staging/stage_choice.h"

namespace qk {

// Threads: one at a time.
class StagedCopy {
 public:
  // Of `path`, which is for messages. REQUIRES: place.stages(). Throws Error: no such file can be
  // made, or its disk has no room for so many bytes.
  StagedCopy(const StagePlace& place, const std::filesystem::path& path, int64_t bytes);
  // Throws Error with the reason (disk full, ...).
  void write(int64_t offset, std::span<const std::byte> piece);
  // Nothing more will be written; in memory, nobody can any more.
  OwnedFd finish();

 private:
  std::filesystem::path path_;
  bool in_memory_;
  std::filesystem::path folder_;
  OwnedFd fd_;
};

}  // namespace qk
