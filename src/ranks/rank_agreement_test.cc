#include "ranks/rank_agreement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_error.h"

namespace qk {
namespace rank_agreement_test {

using testing::ElementsAre;
using testing::Pair;

std::vector<RankFacts> ranks_on(const std::vector<std::string>& hosts) {
  std::vector<RankFacts> out;
  for (const std::string& host : hosts) {
    out.emplace_back();
    out.back().room.host = host;
  }
  return out;
}

std::string folder_fault(const std::vector<std::optional<bool>>& sees) {
  return error_of([&] { check_folder(ranks_on({"a", "b", "c"}), sees, "out/"); });
}

std::string probe_fault(const std::vector<std::optional<std::string>>& probes) {
  return error_of([&] { check_probes(ranks_on({"a", "b", "c"}), probes); });
}

TEST(RankAgreement, AllSeeOneFolder) {
  EXPECT_EQ(folder_fault({true, true, true}), "");
  EXPECT_EQ(folder_fault({true, std::nullopt, true}), "");  // rank 1 was lost
  EXPECT_EQ(folder_fault({true, true, false}),
            "c (rank 2) does not see what a (rank 0) wrote: is out/ the same folder on both?");
}

TEST(RankAgreement, MostRanksAreRight) {
  EXPECT_EQ(probe_fault({"x", "x", "x"}), "");
  EXPECT_EQ(probe_fault({"x", std::nullopt, "x"}), "");
  EXPECT_EQ(probe_fault({"x", "x", "y"}),
            "c (rank 2) computes other values than a (rank 0): broken hardware?");
  EXPECT_EQ(probe_fault({"y", "x", "x"}),
            "a (rank 0) computes other values than b (rank 1): broken hardware?");
  EXPECT_EQ(probe_fault({"y", "x", std::nullopt}),
            "b (rank 1) computes other values than a (rank 0): broken hardware?");
}

TEST(RankAgreement, EveryDeviceOfARankCounts) {
  EXPECT_EQ(probe_fault({"x/x", "x", "x/x/x"}), "");
  EXPECT_EQ(probe_fault({"x/x", "x/y", std::nullopt}),
            "b (rank 1) computes other values than a (rank 0): broken hardware?");
}

// [ranks] as "node:stamp of its only file of weights".
std::vector<RankFacts> ranks_with(const std::vector<std::pair<std::string, std::string>>& files) {
  std::vector<RankFacts> out;
  for (const auto& [node, stamp] : files) {
    out.emplace_back();
    out.back().room.host = out.back().room.node = node;
    out.back().weights = {{.name = "w", .bytes = 1, .sha256 = "", .stamp = stamp}};
  }
  return out;
}

// As "file:rank".
std::vector<std::string> tasks_of(const std::vector<RankFacts>& ranks,
                                  const std::vector<RankDigest>& known,
                                  const std::set<int>& left_out = {},
                                  const std::set<int>& apart = {}) {
  std::vector<std::string> out;
  for (const DigestTask& task : digest_tasks(ranks, left_out, 2, known, apart)) {
    out.push_back(fmt::format("{}:{}", task.file, task.rank));
  }
  return out;
}

TEST(RankAgreement, OneFileOfAllNodesIsReadOnce) {
  const std::vector<RankFacts> ranks = ranks_with({{"a", "1"}, {"a", "1"}, {"b", "1"}});
  EXPECT_THAT(tasks_of(ranks, {}), ElementsAre("0:-1", "1:-1"));
  EXPECT_THAT(tasks_of(ranks, {{.rank = 2, .file = 0, .sha256 = "x"}}), ElementsAre("1:-1"));
}

TEST(RankAgreement, FilesOfTheNodesAreReadOnceANode) {
  const std::vector<RankFacts> ranks =
      ranks_with({{"a", "1"}, {"a", "1"}, {"b", "2"}, {"b", "2"}, {"b", "3"}});
  EXPECT_THAT(tasks_of(ranks, {}), ElementsAre("0:0", "0:2", "0:4", "1:0", "1:2", "1:4"));
  EXPECT_THAT(tasks_of(ranks, {{.rank = 0, .file = 1, .sha256 = "x"}}, {2}),
              ElementsAre("0:0", "0:3", "0:4", "1:3", "1:4"));
}

// A neighbour reads what its node has staged, unless it could not.
TEST(RankAgreement, WhatANodeHasStagedServesAllOfIt) {
  const std::vector<RankFacts> ranks = ranks_with({{"a", "1"}, {"a", "2"}, {"b", "3"}});
  const std::vector<RankDigest> staged = {{0, 0, "x"}, {0, 1, "y"}};
  EXPECT_THAT(tasks_of(ranks, staged), ElementsAre("0:2", "1:2"));
  EXPECT_THAT(tasks_of(ranks, staged, {}, {1}), ElementsAre("0:1", "0:2", "1:1", "1:2"));
}

TEST(RankAgreement, DigestsOfOneFileAreEqual) {
  const std::vector<RankFacts> ranks = ranks_on({"a", "b", "c"});
  const std::vector<std::filesystem::path> files = {"m/config.json", "m/w.gguf"};
  std::vector<RankDigest> digests = {{2, 1, "x"}, {0, 1, "x"}, {1, 0, "c"}};
  EXPECT_THAT(agreed_digests(ranks, digests, files), ElementsAre(Pair(0, "c"), Pair(1, "x")));
  digests[0].sha256 = "y";
  EXPECT_EQ(error_of([&] { agreed_digests(ranks, digests, files); }),
            "c (rank 2) reads another w.gguf than a (rank 0): its SHA-256 is y there and x here");
}

TEST(RankAgreement, ATokenIsWaitedForAMoment) {
  const TestFolder folder;
  const AgreeStage stage{.token_file = "t", .token = "abc", .wait_seconds = 0.2, .threads = {}};
  EXPECT_FALSE(sees_token(folder / "t", stage));
  folder.write("t", "other");
  EXPECT_FALSE(sees_token(folder / "t", stage));
  folder.write("t", "abc");
  EXPECT_TRUE(sees_token(folder / "t", stage));
}

}  // namespace rank_agreement_test
}  // namespace qk
