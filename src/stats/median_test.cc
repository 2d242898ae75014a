#include "stats/median.h"

#include <gtest/gtest.h>

#include <cmath>

namespace qk {
namespace {

TEST(Median, OfOddAndEvenNumbers) {
  EXPECT_EQ(median({3}), 3);
  EXPECT_EQ(median({3, -1, 2}), 2);
  EXPECT_EQ(median({8, 3, -1, 2}), 2.5);
}

TEST(Median, IsNaNWithoutNumbersOrWithOneThatIsNaN) {
  EXPECT_TRUE(std::isnan(median({})));
  EXPECT_TRUE(std::isnan(median({1, NAN, 2})));
}

}  // namespace
}  // namespace qk
