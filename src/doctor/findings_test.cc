#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/test_folder.h"
#include "doctor/cluster_findings.h"
#include "doctor/machine_findings.h"

namespace qk {
namespace findings_test {

using testing::HasSubstr;
using Variables = std::map<std::string, std::string>;

const Finding& find(const FindingSection& section, const std::string& name) {
  for (const Finding& finding : section.findings) {
    if (finding.name == name) return finding;
  }
  fail("there is no {}", name);
}

class MachineFindings : public testing::Test {
 protected:
  FindingSection look() const { return machine_findings(files_); }

  TestFolder folder_;
  MachineFiles files_ = {
      .limits = {folder_ / "groups", folder_ / "fs", folder_ / "meminfo"},
      .cpuinfo = folder_.write("cpuinfo", "processor\t: 0\nmodel name\t: Any CPU @ 2 GHz\n"),
      .os_release = folder_.write("os", "NAME=\"A\"\nPRETTY_NAME=\"A Linux 1\"\n"),
      .working_folder = folder_.path()};
};

TEST_F(MachineFindings, SystemAndProcessor) {
  const FindingSection found = look();
  EXPECT_THAT(find(found, "system").text, HasSubstr(": A Linux 1, Linux "));
  EXPECT_THAT(find(found, "processor").text, HasSubstr("Any CPU @ 2 GHz, SIMD "));
  EXPECT_EQ(find(found, "working folder").state, FindingState::kFine);
}

TEST_F(MachineFindings, LimitsOfTheGroup) {
  folder_.write("groups", "0::/job\n");
  folder_.write("fs/job/memory.max", "500000000\n");
  folder_.write("fs/job/memory.current", "100000000\n");
  folder_.write("fs/job/memory.stat", "inactive_file 0\n");
  const Finding memory = find(look(), "memory");
  EXPECT_THAT(memory.text, HasSubstr("500.0 MB of "));
  EXPECT_THAT(memory.text, HasSubstr("400.0 MB free"));
  EXPECT_EQ(memory.state, FindingState::kNote);
  EXPECT_THAT(memory.remedy, HasSubstr("--ram 320MB"));
  EXPECT_EQ(memory.facts["usable_bytes"], 500'000'000);
}

TEST_F(MachineFindings, AFolderThatIsNotThereIsThatOfItsDisk) {
  const Finding found = disk_finding("cache", folder_ / "not/there");
  EXPECT_THAT(found.text, HasSubstr("not/there, "));
  EXPECT_TRUE(found.facts["writable"]);
  EXPECT_GT(found.facts["free_bytes"], 0);
}

FindingSection cluster(const Variables& variables) {
  const Environment get = [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  const JobQuestions ask = {.get_env = get,
                            .squeue = [](const std::string&) { return std::nullopt; },
                            .epoch = [] { return 1000.0; },
                            .session_age = [] { return 60.0; }};
  return cluster_findings(get, ask);
}

// Without a launcher any MPI library is tried; that of MPICH ends a process with AddressSanitizer as it
// is loaded.
#ifndef QK_SANITIZED
TEST(ClusterFindings, AloneItNeedsNoMpi) {
  const FindingSection found = cluster({});
  EXPECT_EQ(find(found, "job").text, "none of Slurm or PBS");
  EXPECT_EQ(find(found, "launcher").text, "none: this process runs alone");
  EXPECT_NE(find(found, "MPI").state, FindingState::kFault);
}

TEST(ClusterFindings, TheTimeOfAJob) {
  const FindingSection found = cluster({{"SLURM_JOB_ID", "7"}, {"SLURM_JOB_END_TIME", "4600"}});
  EXPECT_EQ(find(found, "job").text, "Slurm 7, 1 h 00 min left");
  EXPECT_EQ(find(found, "job").facts["seconds_left"], 3600);
  const FindingSection pbs = cluster({{"PBS_JOBID", "9.server"}});
  EXPECT_EQ(find(pbs, "job").text, "PBS 9.server, no time limit is known");
  EXPECT_EQ(find(pbs, "job").state, FindingState::kNote);
}
#endif

TEST(ClusterFindings, ALibraryThatIsNamedAndMissingIsAFault) {
  const Finding found = find(cluster({{"QKSCOPE_MPI_LIB", "/nowhere/libmpi.so"}}), "MPI");
  EXPECT_EQ(found.state, FindingState::kFault);
  EXPECT_THAT(found.text, HasSubstr("QKSCOPE_MPI_LIB: /nowhere/libmpi.so: cannot be loaded"));
  EXPECT_FALSE(found.remedy.empty());
}

TEST(ClusterFindings, ALauncherIsNamed) {
  const FindingSection found =
      cluster({{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "4"}});
  EXPECT_EQ(find(found, "launcher").text, "mpirun of Open MPI: rank 1 of 4");
}

}  // namespace findings_test
}  // namespace qk
