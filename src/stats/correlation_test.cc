#include "stats/correlation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace qk::correlation_test {
namespace {

const std::vector<double> kFirst = {0.3, -1.2, 4.5, 2.0, 2.0, 7.25, -3.0};
const std::vector<double> kSecond = {1.0, 0.5, 3.0, 2.5, 9.0, 4.0, 0.5};

// numpy.corrcoef of the same lists, and of pandas.Series.rank of them.
TEST(Correlation, EqualsNumpy) {
  EXPECT_NEAR(pearson_correlation(kFirst, kSecond), 0.46860749897863047, 1e-14);
  EXPECT_NEAR(spearman_correlation(kFirst, kSecond), 46.0 / 55, 1e-14);
}

TEST(Correlation, OfAColumnWithItselfIsOne) {
  EXPECT_DOUBLE_EQ(pearson_correlation(kFirst, kFirst), 1);
  EXPECT_DOUBLE_EQ(spearman_correlation(kSecond, kSecond), 1);
}

TEST(Correlation, RanksIgnoreTheShape) {
  std::vector<double> falling;
  for (const double x : kFirst) falling.push_back(-std::exp(x));
  EXPECT_DOUBLE_EQ(spearman_correlation(kFirst, falling), -1);
}

TEST(Correlation, NeedsTwoDifferentNumbers) {
  EXPECT_TRUE(std::isnan(pearson_correlation(std::vector<double>{1}, std::vector<double>{2})));
  EXPECT_TRUE(
      std::isnan(spearman_correlation(std::vector<double>{1, 2}, std::vector<double>{3, 3})));
}

}  // namespace
}  // namespace qk::correlation_test
