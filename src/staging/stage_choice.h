// Whether and where the weights of a run are staged: copied once a node from where they are into its
// memory or onto its disk, by large reads in order, and then mapped by all processes of the run
// there. Results do not depend on it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "staging/file_system.h"

namespace qk {

enum class StageMode : uint8_t {
  kAuto,    // if it pays, where there is room
  kOff,     // weights are mapped where they are
  kRam,     // in memory
  kFolder,  // in an unlinked file in a folder
};

struct StageRequest {
  StageMode mode = StageMode::kOff;
  std::filesystem::path folder;  // with kFolder
};

// Of --stage: "auto", "off", "ram", or a folder. Throws Error if it is empty.
StageRequest parse_stage(std::string_view text);

// What is to be staged, by whom.
struct StageNeeds {
  std::vector<std::filesystem::path> files;
  int64_t bytes = 0;         // of these files
  bool used_again = false;   // by several processes of this node, or for several documents
  int64_t own_memory = 0;    // bytes that the processes of this node need beside the weights
  int64_t memory_limit = 0;  // bytes of both together that they may take (--ram); 0: no limit
};

// The node; other answers are for tests.
struct StageNode {
  std::function<FileSystemKind(const std::filesystem::path&)> file_system;
  std::function<int64_t()> free_memory;                            // bytes
  std::function<int64_t(const std::filesystem::path&)> free_disk;  // bytes; -1: not known
  std::function<std::string(const std::filesystem::path&)>
      fault;  // why no file can be made there; else empty
  std::function<std::optional<std::string>(const char*)> get_env;
};
StageNode this_node();

struct StagePlace {
  StageMode mode = StageMode::kOff;  // never kAuto
  std::filesystem::path folder;      // with kFolder
  std::string reason;                // "they are on NFS"; "they are on a local disk"
  std::string warning;               // a sentence; or empty

  bool stages() const { return mode != StageMode::kOff; }
};

// Where. `auto`: off, unless the weights are on the file system of a network and used again; then in
// memory if they fit beside what the run needs, else in $SLURM_TMPDIR or $TMPDIR if that is on a disk
// of this node with room, else off, with a warning. Throws Error naming --stage if what was asked for
// is not possible: no room, or the folder is not there or cannot be written to. A folder that is
// itself on a network is warned of.
StagePlace choose_stage(const StageRequest& request, const StageNeeds& needs,
                        const StageNode& node = this_node());

// "in memory", "in /scratch", "where they are".
std::string place_text(const StagePlace& place);

}  // namespace qk
