#include "ranks/rank_progress.h"

#include <gtest/gtest.h>

#include "capture/test_run.h"

namespace qk {
namespace rank_progress_test {

RankState state_of(const char* host, const RankProgress& progress) {
  RankState out;
  out.host = host;
  out.progress = encode(progress);
  return out;
}

TEST(RankProgress, AddsUpWhatTheRanksTell) {
  const PreparedRun run = test_run(std::vector<std::string>(20, "w1"));
  CaptureCounts counts;
  counts.num_documents = 7;
  counts.num_documents_before = 4;
  counts.num_tokens = 700;
  counts.num_tokens_before = 400;
  const std::vector<RankState> states = {
      state_of("a", {.documents = 2.5, .tokens = 250, .seconds = 9}),
      state_of("b", {.documents = 1.25, .tokens = 125, .seconds = 9}), RankState()};
  const RunProgress progress = capture_progress(run, counts, states, 10);
  EXPECT_EQ(progress.done, 7);
  EXPECT_EQ(progress.total, 20);
  EXPECT_DOUBLE_EQ(progress.in_progress, 0.75);
  EXPECT_EQ(progress.num_tokens, 775);
  EXPECT_EQ(progress.seconds, 10);
}

TEST(RankProgress, TheSlowestIsNamedIfItIsFarBehind) {
  RunProgress run;
  run.phase = Phase::kCapture;
  std::vector<RankState> states = {state_of("a", {.documents = 1, .tokens = 100, .seconds = 40}),
                                   state_of("b", {.documents = 1, .tokens = 100, .seconds = 40}),
                                   state_of("c", {.documents = 1, .tokens = 95, .seconds = 40})};
  EXPECT_EQ(ranks_progress(run, states).slowest, "");
  EXPECT_EQ(ranks_progress(run, states).num_ranks, 3);
  states[1] = state_of("b", {.documents = 1, .tokens = 60, .seconds = 40});
  const RanksProgress slow = ranks_progress(run, states);
  EXPECT_EQ(slow.slowest, "b");
  EXPECT_DOUBLE_EQ(slow.slowest_part, 60.0 / 95);
  states[1].is_alive = false;
  EXPECT_EQ(ranks_progress(run, states).slowest, "");
  EXPECT_EQ(ranks_progress(run, states).num_ranks, 2);
}

TEST(RankProgress, NobodyIsSlowInTheFirstSeconds) {
  RunProgress run;
  run.phase = Phase::kCapture;
  const std::vector<RankState> states = {
      state_of("a", {.documents = 1, .tokens = 100, .seconds = 20}),
      state_of("b", {.documents = 1, .tokens = 10, .seconds = 20})};
  EXPECT_EQ(ranks_progress(run, states).slowest, "");
}

}  // namespace rank_progress_test
}  // namespace qk
