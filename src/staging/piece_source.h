// Where the bytes of staged files come from: here the files themselves, read in order. Another source
// receives them by message from one reader of many nodes (ranks/weight_spread.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file_stamp.h"

namespace qk {

struct WeightFile {
  std::filesystem::path path;
  FileStamp stamp;     // when it was opened; it must not have changed since
  std::string sha256;  // if it is known already: then it is not computed again
};

// Threads: one at a time.
class PieceSource {
 public:
  virtual ~PieceSource() = default;
  // Fills `piece` with the bytes from `offset` on. Files are read one after the other, each from its
  // beginning to its end without a gap. Throws Error naming the file: it cannot be read, or has changed.
  virtual void read(size_t file, int64_t offset, std::span<std::byte> piece) = 0;
  // After the last piece of a file: throws Error if it has changed while it was read.
  virtual void finish(size_t file) = 0;
};

std::unique_ptr<PieceSource> pieces_of_files(std::vector<WeightFile> files);

}  // namespace qk
