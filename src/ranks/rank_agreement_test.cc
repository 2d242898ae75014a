#include "ranks/rank_agreement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_error.h"

namespace qk {
namespace rank_agreement_test {

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
