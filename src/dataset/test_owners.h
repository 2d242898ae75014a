// For tests only: owners of a folder that are not this process, and time that has passed.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "dataset/run_owner.h"

namespace qk {

// Makes the file's last touch so many seconds old.
inline void age_file(const std::filesystem::path& path, int seconds) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  now.tv_sec -= seconds;
  const timespec times[2] = {now, now};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

// The file of an owner with the facts of this process, but for those that are given.
struct OtherOwner {
  std::string token = "other";
  std::string host = this_owner(true).host;
  std::string boot_id = this_owner(true).boot_id;
  std::string pid_space = this_owner(true).pid_space;
  int64_t pid = ::getpid();
  int64_t start_ticks = this_owner(true).start_ticks;
  std::string job = {};
  int restart = 0;
  bool is_alone = true;
};
inline std::filesystem::path write_owner(const std::filesystem::path& folder,
                                         const OtherOwner& owner) {
  std::filesystem::create_directories(folder / ".qkscope");
  const std::filesystem::path path =
      folder / ".qkscope" / ((owner.is_alone ? "owner." : "shard.") + owner.token);
  std::ofstream(path) << R"({"host":")" << owner.host << R"(","boot_id":")" << owner.boot_id
                      << R"(","pid_space":")" << owner.pid_space << R"(","pid":)" << owner.pid
                      << R"(,"start_ticks":)" << owner.start_ticks << R"(,"job":")" << owner.job
                      << R"(","restart":)" << owner.restart << "}\n";
  return path;
}

// A number of a process that has ended.
inline int64_t dead_pid() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return child;
}

// Sets variables of a cluster's scheduler, and takes them back.
class JobEnvironment {
 public:
  JobEnvironment(const char* job, const char* restart) {
    ::setenv("SLURM_JOB_ID", job, 1);
    ::setenv("SLURM_RESTART_COUNT", restart, 1);
  }
  JobEnvironment(const JobEnvironment&) = delete;
  JobEnvironment& operator=(const JobEnvironment&) = delete;
  ~JobEnvironment() {
    ::unsetenv("SLURM_JOB_ID");
    ::unsetenv("SLURM_RESTART_COUNT");
  }
};

}  // namespace qk
