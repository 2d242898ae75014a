#include "cli/sniff_ranks.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace qk {
namespace sniff_ranks_test {

TEST(RanksText, SaysHowFarAllRanksAre) {
  RanksProgress ranks;
  ranks.num_ranks = 64;
  ranks.run.phase = Phase::kCapture;
  ranks.run.done = 300;
  ranks.run.in_progress = 12;
  ranks.run.total = 500;
  ranks.run.num_tokens = 510'000'000;
  ranks.run.seconds = 1000;
  EXPECT_EQ(ranks_text(ranks), "300/500 documents, 64 ranks, 510k tokens/s, 10 min 03 s left");
  ranks.slowest = "node17";
  ranks.slowest_part = 0.83;
  ranks.run.total.reset();
  ranks.run.num_tokens = 9'000'000;
  EXPECT_EQ(ranks_text(ranks), "300 documents, 64 ranks, 9000 tokens/s; slowest node17 (0.8x)");
}

TEST(RanksText, WhatAnEarlierStartDidTookNoTime) {
  RanksProgress ranks;
  ranks.num_ranks = 1;
  ranks.run.phase = Phase::kCapture;
  ranks.run.done = 60;
  ranks.run.done_before = 50;
  ranks.run.total = 100;
  ranks.run.num_tokens = 6000;
  ranks.run.num_tokens_before = 5000;
  ranks.run.seconds = 10;
  EXPECT_EQ(ranks_text(ranks), "60/100 documents, 1 rank, 100 tokens/s, 40.0 s left");
}

TEST(CopiesWarning, OneCopyOfAShardSpeaks) {
  const auto warned = [](int num_ranks, int rank, int64_t index) {
    const Launcher launcher{
        .kind = LauncherKind::kSlurm, .name = "srun", .rank = rank, .num_ranks = num_ranks};
    return copies_warning(launcher, {.index = index, .count = 128});
  };
  EXPECT_EQ(warned(1, 0, 5), "");
  for (const int64_t index : {0, 1, 3, 17}) {
    int num_warnings = 0;
    for (int rank = 0; rank < 4; ++rank) num_warnings += warned(4, rank, index).empty() ? 0 : 1;
    EXPECT_EQ(num_warnings, 1) << index;
  }
  // Counted by rank: 16/128 to 19/128.
  for (int rank = 0; rank < 4; ++rank) EXPECT_EQ(warned(4, rank, 16 + rank), "");
  EXPECT_EQ(warned(4, 1, 16),
            "srun started 4 copies: if all of them have --shard 16/128, each computes the same "
            "documents; start one, or give each a shard of its own");
}

TEST(FinishWarning, EachOfThoseThatEndNamesWhatItLeaves) {
  EXPECT_EQ(
      finish_warning({.kind = LauncherKind::kSlurm, .name = "srun", .rank = 2, .num_ranks = 3},
                     "b.yaml"),
      "b.yaml: --finish is left to the first of the 3 copies that srun started (--mpi off: each "
      "takes itself for the only one)");
}

TEST(CommandLine, ItsErrorIsSaidByRank0Alone) {
  const auto is_left = [](int rank, const std::vector<std::string>& words) {
    return leaves_words_to_rank_0(words,
                                  {.kind = LauncherKind::kSlurm, .rank = rank, .num_ranks = 3});
  };
  const std::vector<std::string> words = {"sniff", "run.yaml", "--mpi", "auto", "--resum"};
  EXPECT_FALSE(is_left(0, words));
  EXPECT_TRUE(is_left(1, words));
  EXPECT_TRUE(is_left(2, {"sniff", "run.yaml", "--finish", "--resum"}));
  EXPECT_TRUE(is_left(2, {"sniff", "--mpi"}));
  for (const auto& apart :
       std::vector<std::vector<std::string>>{{"sniff", "--mpi", "off", "--resum"},
                                             {"sniff", "--mpi=off", "--resum"},
                                             {"sniff", "--shard", "", "a.yaml"},
                                             {"sniff", "--shard=1", "--resum"}}) {
    EXPECT_FALSE(is_left(1, apart)) << apart[1];
  }
}

TEST(RanksEnd, ErrorsThatNobodyElseKnowsAreSaid) {
  const RanksEnd whole{}, lost{.exit_code = 75, .sentence = "rank 0: not heard of for 60 s"},
      broken{.exit_code = 1, .sentence = "MPI_Isend failed"};
  EXPECT_FALSE(says_end(whole, 1));
  EXPECT_TRUE(says_end(lost, 1));
  EXPECT_FALSE(says_end(lost, 5)) << "rank 1 says it for all";
  EXPECT_TRUE(says_end(broken, 1));
  EXPECT_TRUE(says_end(broken, 5));
}

TEST(RanksEnd, WhatRank0HasNotSaidIsSaid) {
  const RanksEnd told{}, stopped{.exit_code = 75},
      lost{.exit_code = 75, .sentence = "rank 0: not heard of for 60 s"},
      broken{.exit_code = 1, .sentence = "MPI_Isend failed"};
  EXPECT_TRUE(has_rank_0_said(told, false));
  EXPECT_FALSE(has_rank_0_said(stopped, false)) << "it was asked to stop before it heard the error";
  EXPECT_TRUE(has_rank_0_said(stopped, true));
  for (const bool was_stopped : {false, true}) {
    EXPECT_FALSE(has_rank_0_said(lost, was_stopped));
    EXPECT_FALSE(has_rank_0_said(broken, was_stopped));
  }
}

TEST(RanksProgressLine, ComesOnceAMinuteWithoutATerminal) {
  testing::internal::CaptureStderr();
  {
    ProgressLine line(kPlainProgress);
    for (int second = 0; second < 180; ++second) {
      line.draw(fmt::format("second {}", second), 0.5, second, false);
    }
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "second 60\nsecond 120\n");
}

}  // namespace sniff_ranks_test
}  // namespace qk
