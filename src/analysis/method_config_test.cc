#include <gtest/gtest.h>

#include <string>

#include "analysis/analysis_config.h"
#include "base/error.h"

namespace qk {
namespace {

AnalysisConfig config_of(const std::vector<std::string>& sets) {
  ConfigSource source;
  for (const std::string& set : sets) source.overrides.push_back({"--set", "", set});
  return load_analysis_config(source);
}

std::string error_of(const std::vector<std::string>& sets) {
  try {
    config_of(sets);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(MethodConfig, DefaultsLeaveErrorBarsOut) {
  const AnalysisConfig config = config_of({});
  EXPECT_EQ(config.measure.bootstrap.replicates, 0);
  EXPECT_EQ(config.measure.bootstrap.interval, IntervalKind::kPercentile);
  EXPECT_EQ(config.measure.methods.min_queries, 32);
  EXPECT_EQ(config.measure.methods.online_start, ForgettingStart::kFirst);
  EXPECT_FALSE(config.measure.methods.online_alpha);
  EXPECT_EQ(config.ci_csv, "head_metrics_ci.csv");
}

TEST(MethodConfig, EveryField) {
  const AnalysisConfig config =
      config_of({"min_queries=5", "online_alpha=1", "online_clock=observation", "online_start=zero",
                 "online_times=3", "online_reach=0.5", "online_reach_unit=tokens", "bootstrap=200",
                 "confidence=0.9", "interval=bias-corrected", "ci_csv=out/ci.csv"});
  EXPECT_EQ(config.measure.methods.min_queries, 5);
  EXPECT_EQ(config.measure.methods.online_alpha, 1);
  EXPECT_EQ(config.measure.methods.online_clock, OnlineClock::kObservation);
  EXPECT_EQ(config.measure.methods.online_start, ForgettingStart::kZero);
  EXPECT_EQ(config.measure.methods.online_times, 3);
  EXPECT_EQ(config.measure.methods.online_reach, 0.5);
  EXPECT_EQ(config.measure.methods.online_reach_unit, ReachUnit::kTokens);
  EXPECT_EQ(config.measure.bootstrap.replicates, 200);
  EXPECT_EQ(config.measure.bootstrap.confidence, 0.9);
  EXPECT_EQ(config.measure.bootstrap.interval, IntervalKind::kBiasCorrected);
  EXPECT_EQ(config.ci_csv, "out/ci.csv");
  EXPECT_EQ(config_of({"online_half_life=40.5"}).measure.methods.online_half_life, 40.5);
}

TEST(MethodConfig, Errors) {
  EXPECT_EQ(error_of({"bootstrap=1"}),
            "--set bootstrap=1: bootstrap: expected 0 (no error bars) or at least 2 replicates, "
            "found integer 1");
  EXPECT_EQ(error_of({"confidence=1"}),
            "--set confidence=1: confidence: expected a number above 0, below 1, found integer 1");
  EXPECT_EQ(error_of({"confidence=.nan"}),
            "--set confidence=.nan: confidence: expected a number above 0, below 1, "
            "found number .nan");
  EXPECT_EQ(error_of({"online_alpha=0"}),
            "--set online_alpha=0: online_alpha: expected a number above 0, at most 1, "
            "found integer 0");
  EXPECT_EQ(error_of({"online_alpha=0.1", "online_half_life=3"}),
            "--set online_half_life=3: online_half_life: sets the same quantity as "
            "online_alpha; give only one of them");
  EXPECT_EQ(error_of({"online_start=zeros"}),
            "--set online_start=zeros: online_start: expected first or zero, found zeros, "
            "did you mean zero?");
  EXPECT_EQ(error_of({"interval=bca"}),
            "--set interval=bca: interval: expected percentile or bias-corrected, found bca");
  EXPECT_EQ(error_of({"min_queries=1"}).substr(0, 42),
            "--set min_queries=1: min_queries: expected");
  EXPECT_EQ(error_of({"ci_csv=head_metrics.csv"}),
            "--set ci_csv=head_metrics.csv: ci_csv: is the same file as another output");
}

}  // namespace
}  // namespace qk
