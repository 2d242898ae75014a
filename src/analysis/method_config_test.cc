#include <gtest/gtest.h>

#include <string>

#include "analysis/analysis_config.h"
#include "analysis/test_config.h"

namespace qk {
namespace {

TEST(MethodConfig, DefaultsLeaveErrorBarsOut) {
  const AnalysisConfig config = config_of({});
  EXPECT_EQ(config.measure.error_bars.kind, ErrorBars::kNone);
  EXPECT_EQ(config.measure.error_bars.interval, IntervalKind::kT);
  EXPECT_EQ(config.measure.method_options.min_queries, 32);
  EXPECT_EQ(config.measure.method_options.online_start, ForgettingStart::kFirst);
  EXPECT_FALSE(config.measure.method_options.online_alpha);
  EXPECT_EQ(config.ci_csv, "head_metrics_ci.csv");
}

TEST(MethodConfig, EveryField) {
  const AnalysisConfig config = config_of(
      {"method=online", "min_queries=5", "online_alpha=1", "online_clock=observation",
       "online_start=zero", "online_times=3", "online_reach=0.5", "online_reach_unit=tokens",
       "bootstrap=200", "confidence=0.9", "interval=bias-corrected", "ci_csv=out/ci.csv"});
  EXPECT_EQ(config.measure.method_options.min_queries, 5);
  EXPECT_EQ(config.measure.method_options.online_alpha, 1);
  EXPECT_EQ(config.measure.method_options.online_clock, OnlineClock::kObservation);
  EXPECT_EQ(config.measure.method_options.online_start, ForgettingStart::kZero);
  EXPECT_EQ(config.measure.method_options.online_times, 3);
  EXPECT_EQ(config.measure.method_options.online_reach, 0.5);
  EXPECT_EQ(config.measure.method_options.online_reach_unit, ReachUnit::kTokens);
  EXPECT_EQ(config.measure.error_bars.kind, ErrorBars::kBootstrap);
  EXPECT_EQ(config.measure.error_bars.replicates, 200);
  EXPECT_EQ(config.measure.error_bars.confidence, 0.9);
  EXPECT_EQ(config.measure.error_bars.interval, IntervalKind::kBiasCorrected);
  EXPECT_EQ(config.ci_csv, "out/ci.csv");
  EXPECT_EQ(
      config_of({"method=online", "online_half_life=40.5"}).measure.method_options.online_half_life,
      40.5);
}

TEST(MethodConfig, KindsOfErrorBars) {
  const auto bars = [](const std::vector<std::string>& sets) {
    return config_of(sets).measure.error_bars;
  };
  EXPECT_EQ(bars({"error_bars=jackknife", "confidence=0.8"}).kind, ErrorBars::kJackknife);
  EXPECT_EQ(bars({"error_bars=bootstrap"}).replicates, 1000);
  EXPECT_EQ(bars({"error_bars=bootstrap", "bootstrap=50"}).replicates, 50);
  EXPECT_EQ(bars({"error_bars=none"}).kind, ErrorBars::kNone);
  EXPECT_EQ(bars({"bootstrap=50"}).interval, IntervalKind::kT);
  EXPECT_EQ(error_of({"error_bars=bootstrap", "bootstrap=0"}),
            "--set bootstrap=0: expected at least 2 replicates, since error_bars is bootstrap, "
            "found integer 0");
  EXPECT_EQ(error_of({"error_bars=jackknife", "bootstrap=9"}),
            "--set bootstrap=9: has no effect: error_bars is jackknife");
  EXPECT_EQ(error_of({"error_bars=none", "bootstrap=9"}),
            "--set bootstrap=9: has no effect: error_bars is none");
  EXPECT_EQ(error_of({"error_bars=jackknife", "interval=percentile"}),
            "--set interval=percentile: has no effect: the jackknife has t intervals only");
  EXPECT_EQ(error_of({"error_bars=jacknife"}),
            "--set error_bars=jacknife: expected none, jackknife or bootstrap, found jacknife; "
            "did you mean jackknife?");
}

TEST(MethodConfig, Errors) {
  EXPECT_EQ(error_of({"bootstrap=1"}),
            "--set bootstrap=1: expected 0 (no error bars) or at least 2 replicates, "
            "found integer 1");
  EXPECT_EQ(error_of({"confidence=1"}),
            "--set confidence=1: expected a number above 0, below 1, found integer 1");
  EXPECT_EQ(error_of({"confidence=.nan"}),
            "--set confidence=.nan: expected a number above 0, below 1, "
            "found number .nan");
  EXPECT_EQ(error_of({"online_alpha=0"}),
            "--set online_alpha=0: expected a number above 0, at most 1, "
            "found integer 0");
  EXPECT_EQ(error_of({"online_alpha=0.1", "online_half_life=3"}),
            "--set online_half_life=3: sets the same quantity as "
            "online_alpha; give only one of them");
  EXPECT_EQ(error_of({"online_start=zeros"}),
            "--set online_start=zeros: expected first or zero, found zeros; "
            "did you mean zero?");
  EXPECT_EQ(error_of({"interval=bca"}),
            "--set interval=bca: expected t, percentile or bias-corrected, found bca");
  EXPECT_EQ(error_of({"min_queries=1"}).substr(0, 29), "--set min_queries=1: expected");
  EXPECT_EQ(error_of({"bootstrap=9", "ci_csv=head_metrics.csv"}),
            "output_csv and ci_csv: expected two files, found head_metrics.csv twice");
}

TEST(MethodConfig, OverridesWithoutEffectAreRefused) {
  EXPECT_EQ(
      error_of({"method=bucket", "covariance=full"}),
      "--set covariance=full: has no effect: only the method linear has a choice, and the method is bucket");
  EXPECT_EQ(error_of({"method=linear", "min_queries=9"}),
            "--set min_queries=9: has no effect: the method is linear, not bucket or online");
  EXPECT_EQ(error_of({"method=bucket", "online_reach=0.1"}),
            "--set online_reach=0.1: has no effect: the method is bucket, not online");
  EXPECT_EQ(
      error_of({"confidence=0.9"}),
      "--set confidence=0.9: has no effect: there are no error bars; error_bars or bootstrap asks for them");
  EXPECT_EQ(error_of({"dataset=.", "download_max_workers=3"}),
            "--set download_max_workers=3: has no effect: the dataset is a folder");
  EXPECT_EQ(config_of({"dataset=org/no-such", "download_max_workers=3"}).download_max_workers, 3);
  EXPECT_EQ(error_of({"dataset=d", "dataset_local_root=e"}),
            "--set dataset_local_root=e: has no effect: the dataset is given by dataset");
}

TEST(MethodConfig, OptionsWithoutEffectAreWarnings) {
  ConfigSource source;
  source.overrides = {{"--method", "method", "bucket"},
                      {"--covariance", "covariance", "full"},
                      {"--online_reach", "online_reach", "0.1"},
                      {"--dataset_local_root", "dataset_local_root", "d"},
                      {"--dataset_name", "dataset_name", "o/n"}};
  const std::vector<std::string> expected = {
      "--dataset_name: has no effect: the dataset is given by dataset_local_root",
      "--covariance: has no effect: only the method linear has a choice, and the method is bucket",
      "--online_reach: has no effect: the method is bucket, not online"};
  EXPECT_EQ(load_analysis_config(source).warnings, expected);
}

TEST(AnalysisOutputs, FilesGoTogether) {
  const auto paths = [](const std::vector<std::string>& sets) {
    const AnalysisConfig config = config_of(sets);
    return std::vector<std::string>{config.output_csv, config.bucket_csv, config.component_csv,
                                    config.ci_csv};
  };
  using Paths = std::vector<std::string>;
  const Paths defaults = {"head_metrics.csv", "head_bucket_plasticity.csv",
                          "head_component_weights.csv", "head_metrics_ci.csv"};
  EXPECT_EQ(paths({}), defaults);
  EXPECT_EQ(paths({"output_dir=r"}),
            (Paths{"r/head_metrics.csv", "r/head_bucket_plasticity.csv",
                   "r/head_component_weights.csv", "r/head_metrics_ci.csv"}));
  EXPECT_EQ(paths({"output_dir=r", "output_csv=a.csv", "bucket_csv=/b.csv"}),
            (Paths{"r/a.csv", "/b.csv", "r/head_component_weights.csv", "r/head_metrics_ci.csv"}));
  EXPECT_EQ(paths({"output_csv=r/a.csv", "bucket_csv=b.csv"}),
            (Paths{"r/a.csv", "b.csv", "r/head_component_weights.csv", "r/head_metrics_ci.csv"}));
  EXPECT_EQ(paths({"output_csv=r/a.csv", "compat=reference"}),
            (Paths{"r/a.csv", "head_bucket_plasticity.csv", "head_component_information.csv",
                   "head_metrics_ci.csv"}));
}

TEST(AnalysisOutputs, ExistingFilesAreReplacedAsByTheOriginal) {
  EXPECT_FALSE(config_of({}).may_replace);
  EXPECT_TRUE(config_of({"output_csv=a.csv"}).may_replace);
  EXPECT_TRUE(config_of({"compat=reference"}).may_replace);
  EXPECT_FALSE(config_of({"output_csv=a.csv", "output_dir=r"}).may_replace);
}

}  // namespace
}  // namespace qk
