#include "compare/replicate_series.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

namespace qk::replicate_series_test {
namespace {

constexpr double kConfidence = 0.95;

// A mean over documents, and its jackknife.
ReplicateSeries mean_of(const std::vector<int64_t>& documents, const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  const auto n = static_cast<double>(values.size());
  ReplicateSeries out{sum / n, n, documents, {}, ErrorBars::kJackknife};
  for (const double value : values) out.values.push_back((sum - value) / (n - 1));
  return out;
}

const std::vector<int64_t> kDocuments = {2, 3, 5, 8, 13, 21, 34, 55};
const std::vector<double> kFirst = {0.1, 0.5, 0.3, 0.9, 0.7, 0.2, 0.4, 0.6};
const std::vector<double> kSecond = {0.25, 0.55, 0.4, 1.1, 0.8, 0.3, 0.35, 0.8};

// scipy.stats.ttest_rel and its confidence_interval of the two lists.
TEST(ReplicateSeries, PairedMeansAreThePairedTTest) {
  const auto difference =
      difference_series(mean_of(kDocuments, kFirst), mean_of(kDocuments, kSecond));
  ASSERT_TRUE(difference);
  const DifferenceError error = paired_error(*difference, kConfidence);
  EXPECT_NEAR(difference->estimate, 0.10625, 1e-12);
  EXPECT_NEAR(error.std_error, 0.029028158, 1e-7);
  EXPECT_NEAR(error.low, 0.037609315, 1e-6);
  EXPECT_NEAR(error.high, 0.174890685, 1e-6);
  EXPECT_NEAR(error.p_value, 0.008067765, 1e-6);
  EXPECT_EQ(error.note, "");
}

// Welch's t test: scipy.stats.ttest_ind(equal_var=False).
TEST(ReplicateSeries, IndependentMeansAreWelchsTest) {
  const DifferenceError error =
      independent_error(mean_of(kDocuments, kFirst), mean_of(kDocuments, kSecond), kConfidence);
  EXPECT_NEAR(error.std_error, 0.142580648, 1e-7);
  EXPECT_NEAR(error.p_value, 0.468668155, 1e-6);
  EXPECT_NEAR((error.low + error.high) / 2, 0.10625, 1e-12);
  EXPECT_EQ(error.note, kNotPaired);
}

// Of two means over partly the same documents: each document moves the difference by what it moves
// the means that it is in.
TEST(ReplicateSeries, ADocumentOfOneSideMovesThatSideAlone) {
  const ReplicateSeries a = mean_of({1, 2, 3}, {0.0, 1.0, 5.0});
  const ReplicateSeries b = mean_of({2, 3, 4}, {4.0, 2.0, 9.0});
  const auto difference = difference_series(a, b);
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->documents, (std::vector<int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(difference->values, (std::vector<double>{5.0 - 3.0, 5.5 - 2.5, 6.5 - 0.5, 3.0 - 2.0}));
}

TEST(ReplicateSeries, BootstrapsArePairedDrawByDraw) {
  ReplicateSeries a{1, 8, kDocuments, {1, 2, 3}, ErrorBars::kBootstrap};
  ReplicateSeries b{2, 8, kDocuments, {5, 5, 5}, ErrorBars::kBootstrap};
  EXPECT_EQ(difference_series(a, b)->values, (std::vector<double>{4, 3, 2}));
  b.values.push_back(5);
  EXPECT_FALSE(difference_series(a, b));
  b.values.pop_back();
  b.documents.pop_back();
  EXPECT_FALSE(difference_series(a, b));
}

TEST(ReplicateSeries, JackknifeAndBootstrapAreNotPaired) {
  const ReplicateSeries a = mean_of(kDocuments, kFirst);
  ReplicateSeries b = a;
  b.kind = ErrorBars::kBootstrap;
  EXPECT_FALSE(difference_series(a, b));
}

// The mean of heads is a mean over documents too.
TEST(ReplicateSeries, MeansOfSeries) {
  std::vector<double> middle;
  for (size_t i = 0; i < kFirst.size(); ++i) middle.push_back((kFirst[i] + kSecond[i]) / 2);
  const ReplicateSeries expected = mean_of(kDocuments, middle);
  const std::vector<ReplicateSeries> both = {mean_of(kDocuments, kFirst),
                                             mean_of(kDocuments, kSecond)};
  const auto mean = mean_series(both);
  ASSERT_TRUE(mean);
  EXPECT_NEAR(mean->estimate, expected.estimate, 1e-15);
  ASSERT_EQ(mean->documents, kDocuments);
  for (size_t i = 0; i < kDocuments.size(); ++i) {
    EXPECT_NEAR(mean->values[i], expected.values[i], 1e-15);
  }
  EXPECT_FALSE(mean_series({}));
}

TEST(ReplicateSeries, EqualSeriesDifferByExactlyZero) {
  const ReplicateSeries a = mean_of(kDocuments, kFirst);
  const DifferenceError error = paired_error(*difference_series(a, a), kConfidence);
  EXPECT_EQ(error.low, 0);
  EXPECT_EQ(error.high, 0);
  EXPECT_EQ(error.std_error, 0);
  EXPECT_EQ(error.p_value, 1);
}

TEST(ReplicateSeries, FewDocumentsGiveNoInterval) {
  const auto difference =
      difference_series(mean_of({1, 2}, {0.0, 1.0}), mean_of({1, 2}, {4.0, 2.0}));
  const DifferenceError error = paired_error(*difference, kConfidence);
  EXPECT_TRUE(std::isnan(error.low));
  EXPECT_TRUE(std::isnan(error.p_value));
  EXPECT_EQ(error.note, "fewer than 3 documents");
}

}  // namespace
}  // namespace qk::replicate_series_test
