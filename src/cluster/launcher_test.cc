#include "cluster/launcher.h"

#include <gtest/gtest.h>

#include <map>

namespace qk {
namespace launcher_test {

using Variables = std::map<std::string, std::string>;

Launcher find(const Variables& variables) {
  return find_launcher([&](const char* name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::optional(at->second);
  });
}

// As Slurm 22.05 sets them for task 2 of 3 on two nodes.
const Variables kStep = {{"SLURM_JOB_ID", "7"},        {"SLURM_NTASKS", "3"},
                         {"SLURM_STEP_ID", "0"},       {"SLURM_STEP_NUM_TASKS", "3"},
                         {"SLURM_PROCID", "2"},        {"SLURM_LOCALID", "0"},
                         {"SLURM_NODEID", "1"},        {"SLURM_STEP_TASKS_PER_NODE", "2,1"},
                         {"SLURM_STEP_NUM_NODES", "2"}};

TEST(Launcher, NobodyIsNone) {
  EXPECT_EQ(find({}), Launcher{});
  EXPECT_EQ(find({{"HOME", "/root"}, {"SLURM_NTASKS", "64"}}), Launcher{});
}

TEST(Launcher, AStepOfSlurm) {
  const Launcher found = find(kStep);
  EXPECT_EQ(found.kind, LauncherKind::kSlurm);
  EXPECT_EQ(found.name, "srun");
  EXPECT_EQ(found.rank, 2);
  EXPECT_EQ(found.num_ranks, 3);
  EXPECT_EQ(found.local_rank, 0);
  EXPECT_EQ(found.num_local_ranks, 1);
  EXPECT_FALSE(found.has_pmix);
}

TEST(Launcher, TasksOfANodeOfSlurm) {
  Variables step = kStep;
  step["SLURM_STEP_NUM_TASKS"] = "8";
  const auto local = [&](const char* tasks, const char* node) {
    step["SLURM_STEP_TASKS_PER_NODE"] = tasks;
    step["SLURM_NODEID"] = node;
    return find(step).num_local_ranks;
  };
  EXPECT_EQ(local("2(x3),1", "0"), 2);
  EXPECT_EQ(local("2(x3),1", "2"), 2);
  EXPECT_EQ(local("2(x3),1", "3"), 1);
  EXPECT_EQ(local("2(x3),1", "4"), std::nullopt);
  EXPECT_EQ(local("2(x3", "0"), std::nullopt);
  EXPECT_EQ(local("", "0"), std::nullopt);
  EXPECT_EQ(local("4", "0"), 4);
}

TEST(Launcher, ABatchScriptOfSlurmIsNone) {
  EXPECT_EQ(find({{"SLURM_JOB_ID", "7"},
                  {"SLURM_NTASKS", "64"},
                  {"SLURM_PROCID", "0"},
                  {"SLURM_LOCALID", "0"},
                  {"SLURM_NODEID", "0"},
                  {"SLURM_TASKS_PER_NODE", "32(x2)"}}),
            Launcher{});
  // A shell in a step of one task.
  EXPECT_EQ(find({{"SLURM_STEP_ID", "0"},
                  {"SLURM_STEP_NUM_TASKS", "1"},
                  {"SLURM_PROCID", "0"},
                  {"SLURM_LOCALID", "0"}}),
            Launcher{});
}

// mpirun starts its daemons with srun: the step is theirs.
TEST(Launcher, MpirunWithinSlurm) {
  Variables variables = kStep;
  variables.insert({{"OMPI_COMM_WORLD_SIZE", "16"},
                    {"OMPI_COMM_WORLD_RANK", "9"},
                    {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                    {"OMPI_COMM_WORLD_LOCAL_SIZE", "8"},
                    {"PMIX_NAMESPACE", "x"}});
  EXPECT_EQ(find(variables), (Launcher{.kind = LauncherKind::kOpenMpi,
                                       .name = "mpirun of Open MPI",
                                       .rank = 9,
                                       .num_ranks = 16,
                                       .local_rank = 1,
                                       .num_local_ranks = 8,
                                       .has_pmix = true}));
  variables = kStep;
  variables.insert(
      {{"PMI_SIZE", "16"}, {"PMI_RANK", "9"}, {"MPI_LOCALRANKID", "1"}, {"MPI_LOCALNRANKS", "8"}});
  EXPECT_EQ(find(variables).kind, LauncherKind::kHydra);
  EXPECT_EQ(find(variables).num_ranks, 16);
}

TEST(Launcher, SrunWithPmi2) {
  Variables variables = kStep;
  variables.insert({{"PMI_SIZE", "3"}, {"PMI_RANK", "2"}, {"PMI_FD", "16"}});
  EXPECT_EQ(find(variables).kind, LauncherKind::kSlurm);
}

TEST(Launcher, OthersThatSpeakPmi) {
  EXPECT_EQ(find({{"PALS_RANKID", "5"},
                  {"PMI_SIZE", "8"},
                  {"PMI_RANK", "5"},
                  {"PMI_LOCAL_RANK", "1"},
                  {"PMI_LOCAL_SIZE", "4"}}),
            (Launcher{.kind = LauncherKind::kPals,
                      .name = "mpiexec of PALS",
                      .rank = 5,
                      .num_ranks = 8,
                      .local_rank = 1,
                      .num_local_ranks = 4}));
  EXPECT_EQ(find({{"PMI_SIZE", "2"}, {"PMI_RANK", "1"}}).name, "the launcher");
  EXPECT_EQ(find({{"FLUX_JOB_SIZE", "2"}, {"FLUX_TASK_RANK", "1"}, {"FLUX_TASK_LOCAL_ID", "1"}}),
            (Launcher{.kind = LauncherKind::kOther,
                      .name = "flux run",
                      .rank = 1,
                      .num_ranks = 2,
                      .local_rank = 1}));
}

TEST(Launcher, WhatIsNoNumberCountsAsNotSet) {
  for (const char* size : {"", "x", "3x", "-3", "2", "99999999999"}) {
    Variables step = kStep;
    step["SLURM_STEP_NUM_TASKS"] = size;  // 2: the rank is none of so many
    EXPECT_EQ(find(step), Launcher{}) << size;
  }
  Variables step = kStep;
  step["SLURM_LOCALID"] = "1";  // but the node has one task
  EXPECT_EQ(find(step).num_ranks, 3);
  EXPECT_EQ(find(step).local_rank, std::nullopt);
}

}  // namespace launcher_test
}  // namespace qk
