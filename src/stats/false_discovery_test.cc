#include "stats/false_discovery.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace qk::false_discovery_test {
namespace {

// The example of Benjamini and Hochberg (1995), section 3.2: at 5 % the four smallest of 15 p-values.
TEST(FalseDiscovery, EqualsThePaper) {
  const std::vector<double> p = {0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
                                 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.000};
  std::vector<bool> expected(15, false);
  for (size_t i = 0; i < 4; ++i) expected[i] = true;
  EXPECT_EQ(false_discovery_tests(p, 0.05), expected);
}

// 0.04 alone fails 0.05 * 2 / 3, but passes with the third, which is below 0.05 * 3 / 3.
TEST(FalseDiscovery, StepsUp) {
  const std::vector<double> p = {0.049, 0.04, 0.001};
  EXPECT_EQ(false_discovery_tests(p, 0.05), (std::vector<bool>{true, true, true}));
}

TEST(FalseDiscovery, LeavesOutWhatIsNoTest) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> p = {kNone, 0.03, kNone, 0.9};
  EXPECT_EQ(false_discovery_tests(p, 0.05), (std::vector<bool>{false, false, false, false}));
  EXPECT_EQ(false_discovery_tests(p, 0.06), (std::vector<bool>{false, true, false, false}));
  EXPECT_EQ(false_discovery_tests(std::vector<double>{kNone}, 0.05), std::vector<bool>{false});
}

}  // namespace
}  // namespace qk::false_discovery_test
