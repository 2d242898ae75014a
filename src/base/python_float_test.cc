#include "base/python_float.h"

#include <gtest/gtest.h>

#include <limits>
#include <utility>

namespace qk {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Expected: repr() of Python 3.
TEST(PythonFloat, IsTheRepr) {
  const std::pair<double, const char*> expected[] = {
      {1.0, "1.0"},
      {1.5, "1.5"},
      {-0.0, "-0.0"},
      {0.1, "0.1"},
      {100.0, "100.0"},
      {120.5, "120.5"},
      {0.0001, "0.0001"},
      {0.00012345, "0.00012345"},
      {0.00001, "1e-05"},
      {9.999e-5, "9.999e-05"},
      {9007199254740993e7, "9.007199254740994e+22"},
      {2e-308, "2e-308"},
      {1.25e-5, "1.25e-05"},
      {123456.789, "123456.789"},
      {1e15, "1000000000000000.0"},
      {9999999999999998.0, "9999999999999998.0"},
      {1e16, "1e+16"},
      {1.2345678901234567e17, "1.2345678901234566e+17"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {-2.5e-300, "-2.5e-300"},
      {1.0 / 3.0, "0.3333333333333333"},
      {kInfinity, "inf"},
      {-kInfinity, "-inf"},
      {kNan, "nan"},
      {-kNan, "nan"},
  };
  for (const auto& [value, text] : expected) EXPECT_EQ(python_float_text(value), text);
}

}  // namespace
}  // namespace qk
