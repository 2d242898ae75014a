#include "base/machine_limits.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/test_folder.h"

namespace qk {
namespace {

class MachineLimits : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const { folder_.write(name, text); }

  TestFolder folder_;
  SystemFiles files_ = {folder_ / "groups", folder_ / "fs"};
};

TEST_F(MachineLimits, WithoutGroupsTheMachineItself) {
  EXPECT_GE(available_cores(files_), 1);
  EXPECT_EQ(available_memory(files_),
            int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGE_SIZE));
}

TEST_F(MachineLimits, VersionTwoTheTightestOfAllGroupsAbove) {
  write("groups", "0::/batch/job\n");
  write("fs/batch/job/memory.max", "max\n");
  write("fs/batch/memory.max", "268435456\n");
  write("fs/batch/job/cpu.max", "50000 100000\n");
  write("fs/batch/cpu.max", "max 100000\n");
  EXPECT_EQ(available_memory(files_), 268435456);
  EXPECT_EQ(available_cores(files_), 1);
}

TEST_F(MachineLimits, VersionTwoSeenFromInsideAContainer) {
  write("groups", "0::/../../not/visible\n");
  write("fs/memory.high", "100000000\n");
  EXPECT_EQ(available_memory(files_), 100000000);
}

TEST_F(MachineLimits, VersionOne) {
  write("groups", "5:cpu,cpuacct:/a\n4:memory:/a/b\n3:cpuset:/\n");
  write("fs/cpu,cpuacct/a/cpu.cfs_quota_us", "20000\n");
  write("fs/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
  write("fs/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
  write("fs/memory/a/memory.limit_in_bytes", "300000000\n");
  EXPECT_EQ(available_memory(files_), 300000000);
  EXPECT_EQ(available_cores(files_), 1);
}

TEST_F(MachineLimits, NoLimitAndNonsenseChangeNothing) {
  const int64_t whole = available_memory(files_);
  const int cores = available_cores(files_);
  write("groups", "0::/\nnonsense\n2:memory:/x\n");
  write("fs/memory.max", "max\n");
  write("fs/cpu.max", "max 100000\n");
  write("fs/memory/x/memory.limit_in_bytes", "");
  EXPECT_EQ(available_memory(files_), whole);
  EXPECT_EQ(available_cores(files_), cores);
}

TEST_F(MachineLimits, FreeMemory) {
  files_.meminfo = folder_ / "meminfo";
  EXPECT_EQ(free_memory(files_), available_memory(files_));
  write("meminfo", "MemTotal:       16000000 kB\nMemAvailable:     500000 kB\n");
  EXPECT_EQ(free_memory(files_), 512000000);
  write("groups", "0::/job/step\n");
  write("fs/job/memory.max", "400000000\n");
  write("fs/job/memory.current", "250000000\n");
  write("fs/job/memory.stat", "anon 90\nactive_file 30000000\ninactive_file 20000000\n");
  EXPECT_EQ(free_memory(files_), 200000000);
  write("fs/job/step/memory.max", "max\n");
  write("fs/job/step/memory.current", "1\n");
  EXPECT_EQ(free_memory(files_), 200000000);
  write("fs/job/memory.current", "900000000\n");
  EXPECT_EQ(free_memory(files_), 0);
}

TEST_F(MachineLimits, FreeMemoryInVersionOne) {
  files_.meminfo = folder_ / "meminfo";
  write("meminfo", "MemAvailable:     500000 kB\n");
  write("groups", "4:memory:/a\n");
  write("fs/memory/a/memory.limit_in_bytes", "300000000\n");
  write("fs/memory/a/memory.usage_in_bytes", "250000000\n");
  write("fs/memory/a/memory.stat",
        "active_file 1\ntotal_active_file 30000000\ntotal_inactive_file 20000000\n");
  EXPECT_EQ(free_memory(files_), 100000000);
}

}  // namespace
}  // namespace qk
