// Copies of files that all processes of a node share: one of them reads each file once, from its
// beginning to its end, and the others open its copies.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "staging/owned_fd.h"
#include "staging/piece_source.h"
#include "staging/stage_choice.h"

namespace qk {

struct StagedFile {
  std::filesystem::path path;  // of the original
  int64_t bytes = 0;
  std::string sha256;
  OwnedFd fd;  // of the copy, for reading; not open: the original is to be read
};

struct StagedFiles {
  std::vector<StagedFile> files;  // in the order in which they were given
  std::string warning;            // a sentence, if copies are there but cannot be opened; or empty

  std::map<std::filesystem::path, std::string> digests() const;
};

// The processes of the run on this node. Exactly one message goes from the first to each other one.
struct NodeRanks {
  int local_rank = 0;
  int num_local_ranks = 1;
  std::function<void(const std::string& text)> tell = {};  // by local rank 0: to all others
  std::function<std::string()> hear = {};  // by the others: waits; may throw Stopped
};

using StageProgress = std::function<void(int64_t bytes_done, int64_t bytes_in_all)>;

// To be called by all ranks of the node with the same files. Local rank 0 copies; its copies must stay
// open until all others have returned, which have them open themselves then. Pieces of 16 MiB are
// read, written and digested side by side. Throws Error: a file cannot be read, or has changed; no
// room (on local rank 0; the others then throw "... (said by the first process of this node)"); or
// the copies are not of the sizes of the files. Throws Stopped if `stop` is set, or was on rank 0.
//   source    for local rank 0: of these files
//   progress  on local rank 0, after each piece; what it throws ends the staging everywhere
// REQUIRES: place.stages().
StagedFiles stage_files(std::span<const WeightFile> files, const StagePlace& place,
                        PieceSource& source, const NodeRanks& node, ThreadPool& pool,
                        const StageProgress& progress, const std::atomic<bool>* stop);

}  // namespace qk
