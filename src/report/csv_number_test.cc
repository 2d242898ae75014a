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

TEST(CsvNumber, NanIsAnEmptyField) {
  std::string line = "a,";
  append_csv_number(line, std::nan(""));
  EXPECT_EQ(line, "a,");
  append_csv_number(line, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(line, "a,-inf");
}

}  // namespace
}  // namespace qk
