// Thousands of crews in simulated time, drawn from seeds: whatever happens to whom, every task gets
// its result once or the run says why not, nobody leaves early, and all of it ends in time.
// QK_SIMULATIONS: how many times as many as usual. With sanitizers a tenth.
#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>

#include "cluster/test_simulation.h"

namespace qk::simulation {
namespace {

int64_t number_of(int64_t usual) {
#if defined(QK_SANITIZED)
  usual = (usual + 9) / 10;
#endif
  const char* text = std::getenv("QK_SIMULATIONS");
  return usual * (text == nullptr ? 1 : std::atoi(text));
}

class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}

  double real(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random_);
  }
  int whole(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  bool happens(double probability) { return real(0, 1) < probability; }
  double seconds(double median) {
    return std::lognormal_distribution<double>(std::log(median), 1)(random_);
  }

  Plan plan(int num_ranks) {
    Plan plan;
    plan.ranks.resize(static_cast<size_t>(num_ranks));
    plan.latency = happens(0.3) ? 0.1 : 0.002;
    for (int i = whole(1, 3); i > 0; --i) plan.stages.push_back(stage(num_ranks));
    for (RankPlan& rank : plan.ranks) {
      rank.loads = happens(0.3) ? real(0, 5) : 0;
      rank.at_once = happens(0.2) ? whole(2, 4) : 1;
      rank.has_lanes = happens(0.5);
    }
    return plan;
  }

  StagePlan stage(int num_ranks) {
    StagePlan stage;
    const double median = happens(0.5) ? 2 : 0.2;
    stage.seconds.resize(static_cast<size_t>(whole(0, 6 * std::min(num_ranks, 40))));
    for (double& seconds_of_task : stage.seconds) seconds_of_task = seconds(median);
    stage.window = whole(1, 4);
    stage.slow_next = happens(0.2) ? 3 : 0;
    if (happens(0.2)) {
      stage.seconds.resize(static_cast<size_t>(num_ranks), 0.5);
      for (int rank = 0; rank < num_ranks; ++rank) stage.only.push_back(rank);
    }
    return stage;
  }

  void disturb(Plan& plan, double until) {
    for (size_t i = 0; i < plan.ranks.size(); ++i) {
      RankPlan& rank = plan.ranks[i];
      if (i > 0 && happens(0.3)) rank.dies = real(0, until);
      if (happens(0.2)) {
        const double begin = real(0, until);
        rank.suspended.push_back({begin, begin + real(0, happens(0.5) ? 8 : 60)});
      }
      if (happens(0.1)) {
        rank.late.begin = real(0, until);
        rank.late.end = rank.late.begin + real(0, 20);
        rank.late_by = real(0, 20);
      }
    }
  }

  size_t rank(const Plan& plan) {
    return static_cast<size_t>(whole(0, static_cast<int>(plan.ranks.size()) - 1));
  }

 private:
  std::mt19937_64 random_;
};

double total_seconds(const Plan& plan) {
  double total = 0;
  for (const StagePlan& stage : plan.stages) {
    total += std::accumulate(stage.seconds.begin(), stage.seconds.end(), 0.0);
  }
  return total;
}

double longest_task(const StagePlan& stage) {
  return stage.seconds.empty() ? 0 : *std::max_element(stage.seconds.begin(), stage.seconds.end());
}

// Seconds within which a run ends even if rank 0 alone does everything at last: each disturbance
// may cost its length, and what `lost` says until it is noticed.
double latest_end(const Plan& plan) {
  double bound = 10 * kTimes.lost + 20 * plan.latency * 100;
  for (const StagePlan& stage : plan.stages) {
    bound += longest_task(stage) + kTimes.fill + 10 +
             stage.slow_next * static_cast<double>(stage.seconds.size());
  }
  for (const RankPlan& rank : plan.ranks) {
    bound += rank.dies < kNever ? kTimes.start + 2 : 0;
    bound += rank.begins;
    for (const Interval& pause : rank.suspended) bound += pause.end - pause.begin + kTimes.lost;
    bound += rank.late_by > 0 ? rank.late_by + kTimes.lost : 0;
  }
  return bound + 1.5 * total_seconds(plan);
}

// What holds after every run in which rank 0 lives.
void check_outcome(const Plan& plan, const Outcome& outcome) {
  ASSERT_TRUE(outcome.is_over) << "hangs; at " << outcome.end << " s";
  EXPECT_TRUE(outcome.left_in_hand.empty())
      << testing::PrintToString(outcome.left_in_hand) << " in hand when the stage ended";
  for (size_t i = 0; i < outcome.results.size(); ++i) {
    const StagePlan& stage = plan.stages[i];
    for (const auto& [id, count] : outcome.results[i]) EXPECT_EQ(count, 1) << "task " << id;
    if (i >= outcome.stages.size() || outcome.stages[i] != Coordinator::StageState::kDone) continue;
    for (size_t task = 0; task < stage.seconds.size(); ++task) {
      const int64_t id = static_cast<int64_t>(task) * 3 - 7;
      const int only = stage.only.empty() ? -1 : stage.only[task];
      const bool may_lack = only >= 0 && (outcome.ever_lost.count(only) > 0 ||
                                          outcome.ranks[static_cast<size_t>(only)].has_died);
      EXPECT_TRUE(outcome.results[i].count(id) == 1 || may_lack) << "task " << id;
    }
  }
  const bool is_whole = outcome.stages.size() == plan.stages.size() &&
                        std::all_of(outcome.stages.begin(), outcome.stages.end(), [](auto state) {
                          return state == Coordinator::StageState::kDone;
                        });
  EXPECT_TRUE(is_whole || outcome.is_stopping || outcome.is_limited);
  const int exit_code = is_whole ? 0 : outcome.fault.empty() ? 75 : 1;
  for (size_t i = 0; i < outcome.ranks.size(); ++i) {
    const RankOutcome& rank = outcome.ranks[i];
    if (rank.has_died) continue;
    EXPECT_TRUE(rank.has_ended);
    EXPECT_TRUE(outcome.all_left || !rank.all_left);
    const int expected = exit_code == 1 && i > 0 ? 0 : exit_code;
    EXPECT_TRUE(rank.has_lost_leader || rank.exit_code == expected) << "rank " << i;
  }
}

// Without disturbances nobody is thought lost, and all leave together.
void check_quiet(const Outcome& outcome) {
  EXPECT_TRUE(outcome.ever_lost.empty());
  EXPECT_TRUE(outcome.all_left);
  for (const RankOutcome& rank : outcome.ranks) {
    EXPECT_TRUE(rank.all_left);
    EXPECT_FALSE(rank.has_lost_leader);
  }
}

int num_ranks_of(Draw& draw, int64_t i) {
  if (i % 50 == 49) return 256;
  return i % 10 == 9 ? draw.whole(17, 64) : draw.whole(1, 9);
}

// Simulates `count` crews that `change` disturbs, and checks them.
template <typename Change, typename Check>
void simulate_many(uint64_t first_seed, int64_t count, const Change& change, const Check& check) {
  int64_t num_events = 0;
  for (int64_t i = 0; i < number_of(count); ++i) {
    const uint64_t seed = first_seed + static_cast<uint64_t>(i);
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Draw draw(seed);
    Plan plan = draw.plan(num_ranks_of(draw, i));
    change(draw, plan);
    const Outcome outcome = Simulation(plan, seed).run(latest_end(plan));
    check_outcome(plan, outcome);
    check(plan, outcome);
    num_events += outcome.num_events;
    if (testing::Test::HasFailure()) return;  // one is enough to look at
  }
  testing::Test::RecordProperty("events", std::to_string(num_events));
}

TEST(Simulation, Quiet) {
  simulate_many(
      1000000, 500, [](Draw&, Plan&) {},
      [](const Plan&, const Outcome& outcome) {
        check_quiet(outcome);
        EXPECT_FALSE(outcome.is_stopping);
      });
}

// Ranks begin at times of their own, further apart than one may be silent later.
TEST(Simulation, BeginApart) {
  static_assert(kTimes.start > 2 * kTimes.lost);
  simulate_many(
      8000000, 300,
      [](Draw& draw, Plan& plan) {
        for (RankPlan& rank : plan.ranks) rank.begins = draw.real(0, 2 * kTimes.lost);
      },
      [](const Plan& plan, const Outcome& outcome) {
        const double end = outcome.end;
        const bool all_began = std::all_of(plan.ranks.begin(), plan.ranks.end(),
                                           [&](const RankPlan& rank) { return rank.begins < end; });
        EXPECT_TRUE(all_began);
        check_quiet(outcome);
        EXPECT_FALSE(outcome.is_stopping);
      });
}

// Rank 0 stood still from its first message on, so that others gave up before all had begun.
bool has_begun_without_some(const Outcome& outcome) {
  return outcome.fault.ends_with(": left before all ranks had begun");
}

TEST(Simulation, Disturbed) {
  simulate_many(
      2000000, 1000,
      [](Draw& draw, Plan& plan) {
        draw.disturb(plan, 10 + 2 * total_seconds(plan) / static_cast<double>(plan.ranks.size()));
      },
      [](const Plan&, const Outcome& outcome) {
        EXPECT_EQ(outcome.is_stopping, has_begun_without_some(outcome)) << outcome.fault;
      });
}

TEST(Simulation, AllOthersDie) {
  simulate_many(
      3000000, 100,
      [](Draw& draw, Plan& plan) {
        for (size_t i = 1; i < plan.ranks.size(); ++i) plan.ranks[i].dies = draw.real(0, 15);
      },
      [](const Plan& plan, const Outcome& outcome) {
        EXPECT_EQ(outcome.stages.size(), plan.stages.size());
      });
}

TEST(Simulation, Stopped) {
  simulate_many(
      4000000, 300,
      [](Draw& draw, Plan& plan) {
        const double until = 2 + 1.2 * total_seconds(plan) / static_cast<double>(plan.ranks.size());
        if (draw.happens(0.3)) draw.disturb(plan, until);
        const double when = draw.real(0, until);
        for (RankPlan& rank : plan.ranks) {
          if (draw.happens(0.5)) rank.stopped = when + draw.real(0, 0.5);
        }
      },
      [](const Plan&, const Outcome&) {});
}

TEST(Simulation, Failed) {
  simulate_many(
      5000000, 300,
      [](Draw& draw, Plan& plan) {
        if (draw.happens(0.3)) draw.disturb(plan, 20);
        plan.ranks[draw.rank(plan)].fails_at = draw.whole(0, 5);
      },
      [](const Plan& plan, const Outcome& outcome) {
        if (outcome.fault.empty() || has_begun_without_some(outcome)) return;
        bool is_named = false;
        for (size_t i = 0; i < plan.ranks.size(); ++i) {
          if (plan.ranks[i].fails_at < 0) continue;
          is_named = outcome.fault == "node" + std::to_string(i) + " (rank " + std::to_string(i) +
                                          "): out of memory";
        }
        EXPECT_TRUE(is_named) << outcome.fault;
      });
}

TEST(Simulation, Limited) {
  simulate_many(
      6000000, 200,
      [](Draw& draw, Plan& plan) {
        plan.limit =
            draw.real(0, 10 + 1.5 * total_seconds(plan) / static_cast<double>(plan.ranks.size()));
      },
      [](const Plan& plan, const Outcome& outcome) {
        check_quiet(outcome);
        double longest = 0;
        for (const StagePlan& stage : plan.stages) longest = std::max(longest, longest_task(stage));
        EXPECT_LE(outcome.end, outcome.is_limited ? plan.limit + longest + 20 : kNever);
      });
}

// Seconds that one rank is delayed by what is planned for it.
double delay_of(const RankPlan& rank) {
  double delay = rank.late_by;
  for (const Interval& pause : rank.suspended) delay += pause.end - pause.begin;
  return delay;
}

// Rank 0 dies: the others finish what they have begun and end by themselves, as stopped, unless they have
// heard the exit code.
TEST(Simulation, LeaderDies) {
  int64_t num_stopped = 0, num_finished = 0;
  for (int64_t i = 0; i < number_of(200); ++i) {
    const uint64_t seed = 7000000 + static_cast<uint64_t>(i);
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Draw draw(seed);
    Plan plan = draw.plan(std::max(2, num_ranks_of(draw, i)));
    const bool is_disturbed = i % 2 == 1;
    if (is_disturbed) draw.disturb(plan, 10);
    plan.ranks[0].dies = draw.real(0, 10);
    double longest = 0, delay = 0;
    for (const StagePlan& stage : plan.stages) longest = std::max(longest, longest_task(stage));
    for (const RankPlan& rank : plan.ranks) delay = std::max(delay, delay_of(rank));
    delay += delay_of(plan.ranks[0]);
    const double latest = plan.ranks[0].dies + kTimes.start + kTimes.lost + longest + 10 + delay;
    const Outcome outcome = Simulation(plan, seed).run(latest);
    ASSERT_TRUE(outcome.is_over) << outcome.end;
    for (size_t rank = 1; rank < outcome.ranks.size(); ++rank) {
      const RankOutcome& end = outcome.ranks[rank];
      if (end.has_died) continue;
      EXPECT_TRUE(end.has_ended);
      EXPECT_TRUE(end.all_left || end.has_lost_leader);
      EXPECT_EQ(end.num_finished, end.num_begun) << "rank " << rank;
      EXPECT_EQ(end.exit_code, end.was_told_to_leave ? 0 : 75) << "rank " << rank;
      num_stopped += end.exit_code == 75 ? 1 : 0;
      num_finished += end.num_finished;
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(num_stopped, number_of(100));
  EXPECT_GT(num_finished, number_of(100));
}

// Tasks are spread well: no run takes much longer than the best that can be.
TEST(Simulation, Efficiency) {
  for (const int num_ranks : {1, 8, 64, 256}) {
    Plan plan;
    plan.ranks.resize(static_cast<size_t>(num_ranks));
    plan.stages.resize(1);
    Draw draw(static_cast<uint64_t>(num_ranks));
    plan.stages[0].seconds.resize(1500);
    plan.stages[0].window = 1500;
    for (double& seconds : plan.stages[0].seconds) seconds = draw.seconds(4);
    const double least = std::max(total_seconds(plan) / num_ranks, longest_task(plan.stages[0]));
    const Outcome outcome = Simulation(plan, 1).run(1e6);
    check_outcome(plan, outcome);
    EXPECT_LT(outcome.end, 1.03 * least + 2 * kTimes.fill) << num_ranks << " ranks";

    RecordProperty("percent_" + std::to_string(num_ranks),
                   std::to_string(100 * least / outcome.end));
  }
}

}  // namespace
}  // namespace qk::simulation
