// The lock of the Hub's clients around one file of a cache: flock(2) on a file of its own.
#pragma once

#include <filesystem>
#include <functional>

namespace qk {

class FileLock {
 public:
  // Creates the lock's file and folder if need be (it is never removed), and waits until no other
  // process holds it. waiting() is called ten times a second meanwhile; what it throws ends the
  // wait. Throws Error if the file cannot be made.
  FileLock(const std::filesystem::path& path, const std::function<void()>& waiting);
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

  // False: the file system knows no locks.
  bool is_held() const { return held_; }

 private:
  int fd_ = -1;
  bool held_ = false;
};

}  // namespace qk
