#include "report/csv_number.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "base/test_vectors.h"

namespace qk {
namespace {

std::string text_of(double number) {
  std::string out;
  append_csv_number(out, number);
  return out;
}

TEST(CsvNumber, IsWhatPandasWrites) {
  int num_rows = 0;
  const nlohmann::json vectors = load_vectors("plasticity/csv_floats.json");
  for (const auto& row : vectors["rows"]) {
    const double number = std::strtod(row[0].get<std::string>().c_str(), nullptr);
    EXPECT_EQ(text_of(number), row[1].get<std::string>()) << row;
    ++num_rows;
  }
  EXPECT_EQ(num_rows, 26);
}

TEST(CsvNumber, ChangesNotationWherePythonDoes) {
  EXPECT_EQ(text_of(1e-4), "0.0001");
  EXPECT_EQ(text_of(9.999e-5), "9.999e-05");
  EXPECT_EQ(text_of(9999999999999998), "9999999999999998.0");
  EXPECT_EQ(text_of(1e16), "1e+16");
  EXPECT_EQ(text_of(-1.5e300), "-1.5e+300");
  EXPECT_EQ(text_of(120.5), "120.5");
  EXPECT_EQ(text_of(0.1), "0.1");
  EXPECT_EQ(text_of(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(text_of(-std::numeric_limits<double>::infinity()), "-inf");
}

}  // namespace
}  // namespace qk
