// Keeps other runs out of an output folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dataset/run_owner.h"

namespace qk {

enum class Sharing : uint8_t {
  kAlone,   // nobody else
  kShared,  // others that share it too: shards
};

// How an owner of the folder is awaited who is not a process of this host: it may have been killed, and
// nothing but its silence says so.
struct OwnerWait {
  double seconds = kLostSeconds;  // of silence, after which it counts as dead; 0: it is not awaited
  double look_seconds = 2;        // between two looks
  std::function<void(const std::string&)> warn = {};  // once, of the wait: a whole sentence
  std::function<void()> check = {};  // called ten times a second; what it throws ends the wait
};

// From before a folder is inspected until its run is finished: an flock on <folder>/.qkscope/lock,
// which a kill releases too, and an owner file (dataset/run_owner.h), which other nodes see where
// flock is local to one or absent. It saves work; correctness does not depend on it, because no
// journal has two writers. Of two starts at the same moment without flock both may be refused.
class FolderLock {
 public:
  // Creates the folders if needed. Throws Error if another run holds the lock, they cannot be made
  // or written, or .qkscope is a symbolic link; what wait.check throws.
  //   token  is_start_token(): of this start, also in the name of its journal
  explicit FolderLock(const std::filesystem::path& folder, Sharing sharing = Sharing::kAlone,
                      const OwnerWait& wait = {}, std::string token = start_token());
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  // Removes its files, those of dead owners, and .qkscope if it is empty then.
  ~FolderLock();

  const std::string& token() const { return token_; }

 private:
  bool try_to_take(const OwnerWait& wait);
  std::vector<FoundOwner> others() const;
  void refuse_others(const OwnerWait& wait) const;
  [[noreturn]] void refuse(const FoundOwner& other) const;
  void release();

  std::filesystem::path folder_, path_;
  Sharing sharing_;
  std::string token_;
  int fd_ = -1;
  std::optional<OwnerFile> owner_;
};

}  // namespace qk
