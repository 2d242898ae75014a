#include "cli/sniff_ranks.h"

#include <gtest/gtest.h>

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

}  // namespace sniff_ranks_test
}  // namespace qk
