// For tests only, and for one file of a test program: replaces the functions of libc that change,
// sync and lock files, so that a test sees their order and can act before one of them.
#pragma once

#include <dlfcn.h>
#include <sys/file.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace qk {

// While it lives, it logs calls as "fsync a.txt.tmp", "rename a.txt": the function and the last
// part of the path. Calls after one another for the same file are one entry. One at a time.
class WriteLog {
 public:
  // `before` sees every entry before the call is made.
  explicit WriteLog(std::function<void(const std::string& entry)> before = {})
      : before_(std::move(before)) {
    active() = this;
  }
  WriteLog(const WriteLog&) = delete;
  WriteLog& operator=(const WriteLog&) = delete;
  ~WriteLog() { active() = nullptr; }

  std::vector<std::string> take() { return std::exchange(entries_, {}); }
  // From now on flock fails like this, as on a file system without it.
  void fail_flock(int reason) { flock_errno_ = reason; }
  static int flock_errno() { return active() != nullptr ? active()->flock_errno_ : 0; }

  static void add(const char* function, const std::filesystem::path& path) {
    WriteLog* log = active();
    if (log == nullptr) return;
    const std::string entry = std::string(function) + " " + path.filename().string();
    {
      const std::lock_guard lock(log->mutex_);
      if (log->entries_.empty() || log->entries_.back() != entry) log->entries_.push_back(entry);
    }
    if (log->before_) log->before_(entry);
  }
  static void add(const char* function, int fd) {
    std::error_code error;
    const auto link = std::filesystem::path("/proc/self/fd") / std::to_string(fd);
    add(function, std::filesystem::read_symlink(link, error));
  }

 private:
  static WriteLog*& active() {
    static WriteLog* log = nullptr;
    return log;
  }
  std::function<void(const std::string&)> before_;
  std::mutex mutex_;
  std::vector<std::string> entries_;
  int flock_errno_ = 0;
};

template <typename F>
F* next_function(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace qk

extern "C" {

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  qk::WriteLog::add("pwrite", fd);
  return qk::next_function<ssize_t(int, const void*, size_t, off_t)>("pwrite")(fd, data, size,
                                                                               offset);
}

int ftruncate(int fd, off_t size) noexcept {
  qk::WriteLog::add("ftruncate", fd);
  return qk::next_function<int(int, off_t)>("ftruncate")(fd, size);
}

int fsync(int fd) {
  qk::WriteLog::add("fsync", fd);
  return qk::next_function<int(int)>("fsync")(fd);
}

int fdatasync(int fd) {
  qk::WriteLog::add("fdatasync", fd);
  return qk::next_function<int(int)>("fdatasync")(fd);
}

int rename(const char* from, const char* to) noexcept {
  qk::WriteLog::add("rename", std::filesystem::path(to));
  return qk::next_function<int(const char*, const char*)>("rename")(from, to);
}

int flock(int fd, int operation) noexcept {
  qk::WriteLog::add("flock", fd);
  if (const int reason = qk::WriteLog::flock_errno(); reason != 0) {
    errno = reason;
    return -1;
  }
  return qk::next_function<int(int, int)>("flock")(fd, operation);
}

}  // extern "C"
