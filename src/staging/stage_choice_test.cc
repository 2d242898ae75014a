#include "staging/stage_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/test_error.h"

namespace qk::stage_choice_test {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr int64_t kNfs = 0x6969, kTmpfs = 0x01021994, kExt4 = 0xEF53;
constexpr int64_t kGb = 1'000'000'000;

// A node with the model on /net and 16 GB of weights, of which nothing is real.
struct Node {
  std::map<std::string, int64_t> magics = {{"/net/model", kNfs}};
  int64_t memory = 64 * kGb, disk = 100 * kGb;
  std::map<std::string, std::string> faults, variables;
  StageNeeds needs = {
      .files = {"/net/model"}, .bytes = 16 * kGb, .used_again = true, .own_memory = 4 * kGb};

  StagePlace choose(const StageRequest& request) const {
    StageNode node;
    node.file_system = [this](const fs::path& path) {
      const auto found = magics.find(path.string());
      return file_system_kind(found != magics.end() ? found->second : kExt4);
    };
    node.free_memory = [this] { return memory; };
    node.free_disk = [this](const fs::path&) { return disk; };
    node.fault = [this](const fs::path& path) {
      const auto found = faults.find(path.string());
      return found != faults.end() ? found->second : "";
    };
    node.get_env = [this](const char* name) {
      const auto found = variables.find(name);
      return found != variables.end() ? std::optional(found->second) : std::nullopt;
    };
    return choose_stage(request, needs, node);
  }
};

constexpr StageMode kAuto = StageMode::kAuto, kOff = StageMode::kOff, kRam = StageMode::kRam,
                    kFolder = StageMode::kFolder;

TEST(FileSystems, Kinds) {
  EXPECT_EQ(file_system_kind(kNfs).name, "NFS");
  EXPECT_TRUE(file_system_kind(kNfs).is_network);
  EXPECT_TRUE(file_system_kind(kNfs).is_one_server);
  EXPECT_EQ(file_system_kind(0x0BD00BD0).name, "Lustre");
  EXPECT_FALSE(file_system_kind(0x0BD00BD0).is_one_server);
  EXPECT_EQ(file_system_kind(int64_t{static_cast<int32_t>(0xFE534D42)}).name, "SMB");
  EXPECT_TRUE(file_system_kind(kTmpfs).is_memory);
  EXPECT_FALSE(file_system_kind(kTmpfs).is_network);
  EXPECT_EQ(file_system_kind(kExt4).name, "");
  EXPECT_FALSE(file_system_kind(kExt4).is_network);
  EXPECT_EQ(file_system_of("/proc/none").name, "");
}

TEST(StageChoice, Request) {
  EXPECT_EQ(parse_stage("auto").mode, kAuto);
  EXPECT_EQ(parse_stage("off").mode, kOff);
  EXPECT_EQ(parse_stage("ram").mode, kRam);
  EXPECT_EQ(parse_stage("./ram").mode, kFolder);
  EXPECT_EQ(parse_stage("/scratch").folder, "/scratch");
  EXPECT_EQ(error_of([] { parse_stage(""); }),
            "--stage: expected auto, off, ram or a folder, found nothing");
}

TEST(StageChoice, AutoOnlyIfItPays) {
  Node node;
  EXPECT_EQ(node.choose({kAuto, {}}).mode, kRam);
  EXPECT_EQ(node.choose({kAuto, {}}).reason, "they are on NFS");
  node.needs.used_again = false;
  EXPECT_EQ(node.choose({kAuto, {}}).mode, kOff);
  EXPECT_EQ(node.choose({kAuto, {}}).reason, "they are on NFS, but read only once");
  node.needs.used_again = true;
  node.magics.clear();
  EXPECT_EQ(node.choose({kAuto, {}}).mode, kOff);
  EXPECT_EQ(node.choose({kAuto, {}}).reason, "they are on a local disk");
  node.needs.files.emplace_back("/net/shard");
  node.magics["/net/shard"] = 0x0BD00BD0;
  EXPECT_EQ(node.choose({kAuto, {}}).reason, "they are on Lustre");
}

TEST(StageChoice, AutoWhereThereIsRoom) {
  Node node;
  node.memory = 20 * kGb;
  EXPECT_EQ(node.choose({kAuto, {}}).mode, kRam);
  node.memory = 20 * kGb - 1;
  const StagePlace off = node.choose({kAuto, {}});
  EXPECT_EQ(off.mode, kOff);
  EXPECT_EQ(off.warning,
            "the weights are read from NFS again and again: the weights take 16.0 GB of memory and "
            "the run 4.0 GB beside them, where 20.0 GB are free, and neither $SLURM_TMPDIR nor "
            "$TMPDIR is on a disk of this machine with room for them (--stage DIR names another "
            "folder, --stage off ends this warning)");
  node.variables["TMPDIR"] = "/tmp";
  EXPECT_EQ(node.choose({kAuto, {}}).mode, kFolder);
  EXPECT_EQ(node.choose({kAuto, {}}).folder, "/tmp");
  EXPECT_EQ(node.choose({kAuto, {}}).warning, "");
  node.variables["SLURM_TMPDIR"] = "/scratch";
  EXPECT_EQ(node.choose({kAuto, {}}).folder, "/scratch");
  node.faults["/scratch"] = "Permission denied";
  EXPECT_EQ(node.choose({kAuto, {}}).folder, "/tmp");
  for (const int64_t magic : {kNfs, kTmpfs}) {
    node.magics["/tmp"] = magic;
    EXPECT_EQ(node.choose({kAuto, {}}).mode, kOff);
  }
  node.magics.erase("/tmp");
  node.disk = 16 * kGb;
  EXPECT_EQ(node.choose({kAuto, {}}).mode, kOff);
}

TEST(StageChoice, WhatWasAskedFor) {
  Node node;
  node.magics.clear();
  node.needs.used_again = false;
  EXPECT_EQ(node.choose({kOff, {}}).mode, kOff);
  EXPECT_EQ(node.choose({kRam, {}}).mode, kRam);
  EXPECT_EQ(node.choose({kFolder, "/scratch"}).folder, "/scratch");
  EXPECT_EQ(node.choose({kFolder, "/scratch"}).warning, "");
  node.magics["/scratch"] = kNfs;
  EXPECT_EQ(node.choose({kFolder, "/scratch"}).warning,
            "--stage: /scratch is on NFS, not on a disk of this machine: staging there helps only "
            "if that is faster than where the weights are");
}

TEST(StageChoice, Refusals) {
  Node node;
  node.memory = 12'500'000;
  EXPECT_EQ(error_of([&] { node.choose({kRam, {}}); }),
            "--stage ram: the weights take 16.0 GB of memory and the run 4.0 GB beside them, where "
            "12.5 MB are free: give --stage a folder on a disk of this machine, or off");
  node.needs.memory_limit = 8 * kGb;
  EXPECT_THAT(error_of([&] { node.choose({kRam, {}}); }),
              HasSubstr("beside them, where 8.0 GB may be used (--ram): give"));
  node.needs.memory_limit = 0;
  node.disk = 16 * kGb;
  EXPECT_EQ(
      error_of([&] { node.choose({kFolder, "/scratch"}); }),
      "--stage: /scratch: the weights take 16.0 GB, and 16.0 GB are free there (of which 67.1 "
      "MB are left to others)");
  node.disk = -1;  // not known
  EXPECT_EQ(node.choose({kFolder, "/scratch"}).mode, kFolder);
  node.magics["/scratch"] = kTmpfs;
  EXPECT_THAT(error_of([&] { node.choose({kFolder, "/scratch"}); }),
              HasSubstr("--stage: /scratch: the weights take 16.0 GB of memory"));
  node.faults["/scratch"] = "No such file or directory";
  EXPECT_EQ(error_of([&] { node.choose({kFolder, "/scratch"}); }),
            "--stage: /scratch: No such file or directory");
}

TEST(StageChoice, ThisNode) {
  const StageNode node = this_node();
  const TestFolder folder;
  EXPECT_EQ(node.fault(folder.path()), "");
  EXPECT_EQ(node.fault(folder / "none"), "No such file or directory");
  EXPECT_EQ(node.fault(folder.write("file", "")), "is not a folder");
  EXPECT_GT(node.free_memory(), 0);
  EXPECT_GT(node.free_disk(folder.path()), 0);
  EXPECT_EQ(node.free_disk(folder / "none"), -1);
}

}  // namespace qk::stage_choice_test
