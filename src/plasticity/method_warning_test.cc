#include "plasticity/method_warning.h"

#include <gtest/gtest.h>

namespace qk {
namespace method_warning_test {

Interval around(double value, double reach) {
  Interval out;
  out.low = value - reach;
  out.high = value + reach;
  return out;
}

MethodResult result_of(double difference, double own_reach, double difference_reach) {
  MethodResult out;
  out.interval = around(0.5, own_reach);
  out.difference = MethodDifference{"counted", difference, around(difference, difference_reach)};
  return out;
}

TEST(MethodWarning, ADifferenceAboveTheErrorThatIsEstablished) {
  EXPECT_EQ(method_warning(result_of(0.1, 0.05, 0.02)),
            "differs from counted by more than its error");
  EXPECT_EQ(method_warning(result_of(-0.1, 0.05, 0.02)),
            "differs from counted by more than its error");
  EXPECT_EQ(method_warning(result_of(0.04, 0.05, 0.02)), "");  // within the error
  EXPECT_EQ(method_warning(result_of(0.1, 0.05, 0.11)), "");   // may be chance
}

TEST(MethodWarning, WithoutErrorBarsALargeOne) {
  MethodResult result;
  EXPECT_EQ(method_warning(result), "");  // nothing to compare with
  result.difference = MethodDifference{"counted", 0.04, {}};
  EXPECT_EQ(method_warning(result), "");
  result.difference->value = -0.06;
  EXPECT_EQ(method_warning(result), "differs from counted by more than 0.05");
}

}  // namespace method_warning_test
}  // namespace qk
