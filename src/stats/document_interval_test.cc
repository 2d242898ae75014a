#include "stats/document_interval.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "stats/normal_cdf.h"
#include "stats/student_t.h"

namespace document_interval_test {
namespace {

using namespace qk;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr ErrorBarOptions kJackknife{.kind = ErrorBars::kJackknife};

ErrorBarOptions bootstrap(IntervalKind interval, double confidence = 0.95) {
  return {.kind = ErrorBars::kBootstrap, .confidence = confidence, .interval = interval};
}

double mean_of(const std::vector<double>& x) {
  double sum = 0;
  for (const double value : x) sum += value;
  return sum / static_cast<double>(x.size());
}

// statistic of x without each of its values.
template <typename Statistic>
std::vector<double> left_out(const std::vector<double>& x, const Statistic& statistic) {
  std::vector<double> out;
  for (size_t i = 0; i < x.size(); ++i) {
    std::vector<double> rest = x;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
    out.push_back(statistic(rest));
  }
  return out;
}

const std::vector<double> kValues = {2, 4, 4, 5, 10, 11};

// mean 6, variance 66 / 5; t of 5 degrees of freedom at 97.5 %: 2.570581835636314 (tables).
TEST(DocumentInterval, JackknifeOfAMeanIsTheClassicalInterval) {
  const Interval found =
      document_interval(6, left_out(kValues, mean_of), 6, ValueScale::kReal, kJackknife);
  const double error = std::sqrt(66.0 / 5 / 6);
  EXPECT_NEAR(found.std_error, error, 1e-12);
  EXPECT_NEAR(found.bias, 0, 1e-12);
  EXPECT_NEAR(found.low, 6 - 2.570581835636314 * error, 1e-10);
  EXPECT_NEAR(found.high, 6 + 2.570581835636314 * error, 1e-10);
  EXPECT_EQ(found.replicates, 6);
  EXPECT_EQ(found.documents, 6);
  EXPECT_EQ(found.note, IntervalNote::kNone);
}

// The variance divided by n is too small by variance / n; the jackknife finds just that.
TEST(DocumentInterval, JackknifeCorrectsTheCentre) {
  const auto spread = [](const std::vector<double>& x) {
    double sum = 0;
    for (const double value : x) sum += (value - mean_of(x)) * (value - mean_of(x));
    return sum / static_cast<double>(x.size());
  };
  const Interval found =
      document_interval(11, left_out(kValues, spread), 6, ValueScale::kReal, kJackknife);
  EXPECT_NEAR(found.bias, 11 - 66.0 / 5, 1e-10);
  EXPECT_NEAR((found.low + found.high) / 2, 66.0 / 5, 1e-10);
}

// Documents that the number does not depend on add nothing, and do not count as documents.
TEST(DocumentInterval, OnlyDocumentsThatMoveTheNumberCount) {
  std::vector<double> replicates = left_out(kValues, mean_of);
  const Interval alone = document_interval(6, replicates, 6, ValueScale::kReal, kJackknife);
  replicates.insert(replicates.end(), 40, 6 + 1e-15);
  const Interval found = document_interval(6, replicates, 46, ValueScale::kReal, kJackknife);
  EXPECT_NEAR(found.low, alone.low, 1e-12);
  EXPECT_NEAR(found.high, alone.high, 1e-12);
  EXPECT_EQ(found.documents, 6);
  EXPECT_EQ(found.replicates, 46);
}

TEST(DocumentInterval, UnevenDocumentsHaveFewerDegreesOfFreedom) {
  const std::vector<double> replicates = left_out(kValues, mean_of);
  const Interval even = document_interval(6, replicates, 6, ValueScale::kReal, kJackknife);
  const Interval uneven = document_interval(6, replicates, 5, ValueScale::kReal, kJackknife);
  EXPECT_NEAR((uneven.high - uneven.low) / (even.high - even.low),
              2.7764451051977987 / 2.570581835636314, 1e-10);
}

TEST(DocumentInterval, StaysWithinThePossibleValues) {
  const std::vector<double> replicates = {0.97, 0.99, 0.98, 0.995, 0.96, 0.999};
  const Interval near_one =
      document_interval(0.985, replicates, 6, ValueScale::kFraction, kJackknife);
  EXPECT_EQ(near_one.high, 1);
  EXPECT_LT(near_one.low, 0.98);
  // The corrected centre is above 1; the interval still reaches as far as the error.
  const std::vector<double> biased = {0.995, 0.994, 0.996, 0.995, 0.993, 0.997};
  const Interval corrected = document_interval(0.999, biased, 6, ValueScale::kFraction, kJackknife);
  EXPECT_EQ(corrected.high, 1);
  EXPECT_NEAR(corrected.low, 1 - 2.570581835636314 * corrected.std_error, 1e-10);
  EXPECT_EQ(document_interval(0.02, std::vector<double>{0, 0.01, 0.03, 0.02, 0.05, 0.04}, 6,
                              ValueScale::kPositive, kJackknife)
                .low,
            0);
}

// A length of which nothing but noise is left may be 0.
TEST(DocumentInterval, LengthsAreCorrectedInTheirSquare) {
  const std::vector<double> replicates = {1.2, 1.1, 1.3, 1.25, 1.15, 1.2};
  const Interval found = document_interval(1, replicates, 6, ValueScale::kLength, kJackknife);
  EXPECT_EQ(found.low, 0);
  std::vector<double> squares;
  for (const double value : replicates) squares.push_back(value * value);
  const Interval square = document_interval(1, squares, 6, ValueScale::kPositive, kJackknife);
  EXPECT_NEAR(found.high * found.high, square.high, 1e-12);
}

TEST(DocumentInterval, ReasonsForNone) {
  const std::vector<double> some = {1, 2, 3, 4, 5, 6};
  const auto note_of = [](double estimate, const std::vector<double>& replicates, double documents,
                          ValueScale scale = ValueScale::kReal,
                          const ErrorBarOptions& options = kJackknife) {
    const Interval found = document_interval(estimate, replicates, documents, scale, options);
    EXPECT_FALSE(found.has_value());
    EXPECT_TRUE(std::isnan(found.low) && std::isnan(found.high) && std::isnan(found.std_error));
    EXPECT_FALSE(note_text(found.note).empty());
    return found.note;
  };
  const ErrorBarOptions drawn = bootstrap(IntervalKind::kPercentile);
  EXPECT_EQ(note_of(kNaN, some, 6), IntervalNote::kNoValue);
  EXPECT_EQ(note_of(0.5, some, 6, ValueScale::kPValue), IntervalNote::kPValue);
  EXPECT_EQ(note_of(3, some, kFewestDocuments - 0.01), IntervalNote::kFewDocuments);
  EXPECT_EQ(note_of(3, {1, 2, 3, 3, 3, 3}, 6), IntervalNote::kFewDocuments);
  EXPECT_EQ(note_of(3, {1}, 6), IntervalNote::kFewReplicates);
  EXPECT_EQ(note_of(3, {1, kNaN}, 6, ValueScale::kReal, drawn), IntervalNote::kFewReplicates);
  EXPECT_EQ(note_of(3, {1, 2, 3, 4, 5, 6, kNaN}, 7), IntervalNote::kMissing);
  EXPECT_EQ(note_of(3, {1, 2, 3, 4, 5, 6, kNaN}, 7, ValueScale::kReal, drawn),
            IntervalNote::kMissing);
  EXPECT_EQ(note_of(3, {3, 3, 3, 3, 3, 3}, 6), IntervalNote::kSame);
  EXPECT_EQ(note_of(3, {3, 3, 3, 3, 3, 3}, 6, ValueScale::kReal, drawn), IntervalNote::kSame);
  EXPECT_EQ(note_text(IntervalNote::kNone), "");
}

TEST(DocumentInterval, BootstrapOfAMean) {
  // The deviation of a mean that is drawn from 8 values is that of 8 values divided by 8, not 7.
  const std::vector<double> replicates = {1, 2, 3, 4, 5};  // variance 2.5
  const Interval found =
      document_interval(2.5, replicates, 8, ValueScale::kReal, bootstrap(IntervalKind::kT));
  EXPECT_NEAR(found.std_error, std::sqrt(2.5 * 8 / 7), 1e-12);
  EXPECT_NEAR(found.bias, 0.5, 1e-12);
  const double reach = 2.3646242515927849 * found.std_error;  // t of 7 degrees of freedom
  EXPECT_NEAR(found.low, 2 - reach, 1e-10);
  EXPECT_NEAR(found.high, 2 + reach, 1e-10);
}

TEST(DocumentInterval, Percentiles) {
  std::vector<double> values;
  for (int i = 100; i >= 0; --i) values.push_back(i);
  values.push_back(kNaN);
  const Interval found = document_interval(60, values, 50, ValueScale::kReal,
                                           bootstrap(IntervalKind::kPercentile, 0.9));
  EXPECT_DOUBLE_EQ(found.low, 5);
  EXPECT_DOUBLE_EQ(found.high, 95);
  EXPECT_DOUBLE_EQ(found.bias, -10);
  EXPECT_NEAR(found.std_error, std::sqrt(101 * 102 / 12.0 * 50 / 49), 1e-12);
  EXPECT_EQ(found.replicates, 101);
}

TEST(DocumentInterval, BiasCorrectionMovesAgainstTheBias) {
  // Replicates around 49.5 for an estimate of 50: the truth is nearer 50.5.
  std::vector<double> values;
  for (int i = 1; i < 1000; ++i) values.push_back(49.5 + normal_quantile(i / 1000.0));
  const auto interval = [&](double estimate, IntervalKind kind) {
    return document_interval(estimate, values, 50, ValueScale::kReal, bootstrap(kind, 0.9));
  };
  const Interval found = interval(50, IntervalKind::kBiasCorrected);
  EXPECT_NEAR(found.low, 50.5 - 1.645, 0.02);
  EXPECT_NEAR(found.high, 50.5 + 1.645, 0.1);
  EXPECT_EQ(found.note, IntervalNote::kNone);
  EXPECT_NEAR(interval(49.5, IntervalKind::kPercentile).low,
              interval(49.5, IntervalKind::kBiasCorrected).low, 1e-9);
}

TEST(DocumentInterval, ReplicatesEqualToTheEstimateCountHalf) {
  const std::vector<double> values = {1, 2, 3, 3, 4, 5, 6, 7, 8, 9};  // 2 below, 2 equal
  const double place = 9 * normal_cdf(2 * normal_quantile(0.3) + normal_quantile(0.9));
  ASSERT_LT(place, 6);
  ASSERT_GT(place, 5);  // between 5 and 6
  EXPECT_NEAR(document_interval(3, values, 50, ValueScale::kReal,
                                bootstrap(IntervalKind::kBiasCorrected, 0.8))
                  .high,
              place, 1e-12);
}

// Efron's interval would be one point, however far the replicates spread.
TEST(DocumentInterval, BiasCorrectionCannotCollapse) {
  std::vector<double> values;
  for (int i = 1; i < 200; ++i) values.push_back(0.9 + 0.003 * normal_quantile(i / 200.0));
  const Interval found = document_interval(0.92, values, 6, ValueScale::kFraction,
                                           bootstrap(IntervalKind::kBiasCorrected));
  EXPECT_EQ(found.note, IntervalNote::kOneSided);
  const Interval plain =
      document_interval(0.92, values, 6, ValueScale::kFraction, bootstrap(IntervalKind::kT));
  EXPECT_EQ(found.low, plain.low);
  EXPECT_EQ(found.high, plain.high);
  EXPECT_GT(found.high - found.low, 4 * found.std_error);
}

TEST(NormalQuantile, InvertsTheDistributionFunction) {
  for (const double p : {1e-6, 0.025, 0.5, 0.975})
    EXPECT_NEAR(normal_cdf(normal_quantile(p)), p, 1e-14);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-12);
}

// One degree of freedom is Cauchy's distribution; two have x / sqrt(2 + x^2).
TEST(StudentT, ClosedForms) {
  const double pi = std::acos(-1.0);
  for (const double x : {-40.0, -1.0, 0.0, 0.3, 2.5, 1000.0}) {
    EXPECT_NEAR(student_t_cdf(x, 1), 0.5 + std::atan(x) / pi, 1e-14) << x;
    EXPECT_NEAR(student_t_cdf(x, 2), 0.5 + x / (2 * std::sqrt(2 + x * x)), 1e-14) << x;
  }
  for (const double p : {0.001, 0.2, 0.6, 0.975, 0.9999}) {
    EXPECT_NEAR(student_t_quantile(p, 1) / std::tan(pi * (p - 0.5)), 1, 1e-12) << p;
  }
  EXPECT_EQ(student_t_quantile(0.5, 7), 0);
}

// scipy.stats.t.ppf
TEST(StudentT, Quantiles) {
  EXPECT_NEAR(student_t_quantile(0.975, 4), 2.7764451051977987, 1e-12);
  EXPECT_NEAR(student_t_quantile(0.025, 4), -2.7764451051977987, 1e-12);
  EXPECT_NEAR(student_t_quantile(0.95, 3.7), 2.1824938039146007, 1e-12);
  EXPECT_NEAR(student_t_quantile(0.995, 12.25), 3.043228310411185, 1e-12);
  EXPECT_NEAR(student_t_quantile(0.975, 199), 1.9719565442517533, 1e-12);
  EXPECT_NEAR(student_t_quantile(0.975, 30000), 1.9600430633839347, 1e-12);
  EXPECT_NEAR(student_t_quantile(0.975, 0.5), 164.55767348048818, 1e-9);
  EXPECT_NEAR(student_t_cdf(1.5, 1e9), 0.9331927985732924, 1e-14);
}

}  // namespace
}  // namespace document_interval_test
