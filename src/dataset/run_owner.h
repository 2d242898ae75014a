// Who is at work in an output folder, as every node sees it: each start keeps a file
// .qkscope/owner.<token> there (shard.<token> if it shares the folder with others of its kind) and
// touches it, because flock may be local to a node, or absent. Nobody but its owner writes into such
// a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace qk {

inline constexpr double kBeatSeconds = 10;  // between two touches
inline constexpr double kLostSeconds = 60;  // after the last one its owner counts as dead

// A name for one start of one process, unlike all others: "<job>.<restart>.<host>-<pid>-<when>", or
// without the first two outside a job. Only letters, digits, '.', '_' and '-'.
std::string start_token();
// At least one of these characters, and no other.
bool is_start_token(std::string_view text);
// Whether `name` is the token, or the token and more after a dot.
bool has_token(std::string_view name, std::string_view token);

struct RunOwner {
  std::string host, boot_id;
  std::string pid_space;  // the namespace in which the process has its number
  int64_t pid = 0;
  int64_t start_ticks = 0;  // of the process, after the boot; 0: not known
  std::string job;          // of the cluster's scheduler; empty: none
  int64_t restart = 0;      // how often the job was started before
  bool is_alone = true;     // it lets nobody else into the folder
};
// This process.
RunOwner this_owner(bool is_alone);
// "process 4711 on node17, job 812"
std::string describe(const RunOwner& owner);

struct FoundOwner {
  std::string token;
  RunOwner owner = {};    // without a host if its file is not whole
  bool is_alive = false;  // or may be
  bool is_here = false;   // a process of this host: is_alive is known, not supposed
  double touched = 0;     // its last sign of life, in seconds by the file system's clock
};

// All owners in `folder`, by token. Dead is one whose process is known to be gone on this host, who
// is an earlier start of this very job, or, on other hosts, whose last touch is kLostSeconds ago by
// the file system's clock. Throws Error if .qkscope cannot be read or written.
std::vector<FoundOwner> find_owners(const std::filesystem::path& folder);

// Removes the files of dead owners. Throws Error as find_owners does.
void remove_dead_owners(const std::filesystem::path& folder);

// The file of this process, from now until this goes out of scope, and the thread that touches it.
class OwnerFile {
 public:
  // Throws Error if it cannot be written. REQUIRES: .qkscope is there.
  OwnerFile(const std::filesystem::path& folder, const std::string& token, bool is_alone,
            double beat_seconds = kBeatSeconds);
  OwnerFile(const OwnerFile&) = delete;
  OwnerFile& operator=(const OwnerFile&) = delete;
  ~OwnerFile();

 private:
  class Beat;
  std::filesystem::path path_;
  std::unique_ptr<Beat> beat_;
};

}  // namespace qk
