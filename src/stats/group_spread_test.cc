#include "stats/group_spread.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <random>
#include <utility>
#include <vector>

namespace qk {
namespace {

TEST(GroupSpread, AlikeRowsCountOnce) {
  GroupSpread alike(1);
  GroupSpread different(1);
  std::mt19937 engine(1);
  std::normal_distribution<double> normal;
  for (int64_t document = 0; document < 200; ++document) {
    const double shared = normal(engine);
    for (int i = 0; i < 10; ++i) {
      alike.add(document, &shared);
      const double own = normal(engine);
      different.add(document, &own);
    }
  }
  EXPECT_EQ(alike.size().documents, 200);
  EXPECT_DOUBLE_EQ(alike.size().effective_documents, 200);
  EXPECT_NEAR(alike.size().effective_rows, 200, 1e-6);
  EXPECT_GT(different.size().effective_rows, 1700);
  EXPECT_LE(different.size().effective_rows, 2000);
}

// Rows with two numbers of the documents 7, 2 and 5, which have 8, 1 and 3 rows.
std::map<int64_t, std::vector<std::array<double, 2>>> unequal_documents() {
  std::map<int64_t, std::vector<std::array<double, 2>>> out;
  std::mt19937 engine(3);
  std::normal_distribution<double> normal(0, 0.1);
  for (const auto& [document, rows] : {std::pair(7, 8), std::pair(2, 1), std::pair(5, 3)}) {
    const std::array<double, 2> typical = {0.1 * document, normal(engine)};
    for (int i = 0; i < rows; ++i) {
      out[document].push_back({typical[0] + normal(engine), typical[1] + normal(engine)});
    }
  }
  return out;
}

// Sums of squared deviations of the rows from `center`.
double scatter(const std::vector<std::array<double, 2>>& rows,
               const std::array<double, 2>& center) {
  double out = 0;
  for (const auto& row : rows) {
    for (size_t j = 0; j < 2; ++j) out += (row[j] - center[j]) * (row[j] - center[j]);
  }
  return out;
}

std::array<double, 2> center_of(const std::vector<std::array<double, 2>>& rows) {
  std::array<double, 2> out = {};
  for (const auto& row : rows) {
    for (size_t j = 0; j < 2; ++j) out[j] += row[j] / static_cast<double>(rows.size());
  }
  return out;
}

// The formula of docs/methods.md, "Effective sample sizes", from deviations.
TEST(GroupSpread, UnequalDocuments) {
  GroupSpread spread(2);
  std::vector<std::array<double, 2>> all;
  double within = 0;
  for (const auto& [document, rows] : unequal_documents()) {
    for (const auto& row : rows) spread.add(document, row.data());
    all.insert(all.end(), rows.begin(), rows.end());
    within += scatter(rows, center_of(rows));
  }
  const double n = 12;
  const double squares = 8 * 8 + 1 + 3 * 3;
  const double between = scatter(all, center_of(all)) - within;
  const double mean_square_between = between / 2;
  const double mean_square_within = within / (n - 3);
  const double typical = (n - squares / n) / 2;
  const double alike = (mean_square_between - mean_square_within) /
                       (mean_square_between + (typical - 1) * mean_square_within);
  ASSERT_GT(alike, 0.1);
  ASSERT_LT(alike, 0.9);
  const EffectiveSize size = spread.size();
  EXPECT_EQ(size.documents, 3);
  EXPECT_DOUBLE_EQ(size.effective_documents, n * n / squares);
  EXPECT_NEAR(size.effective_rows, n / (1 + (squares / n - 1) * alike), 1e-9);
}

TEST(GroupSpread, RowsThatCannotBeAlike) {
  EXPECT_EQ(GroupSpread(1).size().documents, 0);
  const double values[] = {1, 5, 2};
  GroupSpread one_row_each(1);
  for (int64_t document = 0; document < 3; ++document)
    one_row_each.add(document, &values[document]);
  EXPECT_EQ(one_row_each.size().effective_rows, 3);
  GroupSpread constant(1);
  for (int64_t row = 0; row < 6; ++row) constant.add(row % 2, values);
  EXPECT_EQ(constant.size().effective_rows, 6);
  GroupSpread one_document(1);
  one_document.add(4, values);
  EXPECT_TRUE(std::isnan(one_document.size().effective_rows));
  GroupSpread opposite(1);  // rows of one document differ more than documents do
  for (const double x : {1.0, -1.0, 1.0, -1.0}) opposite.add(x > 0 ? 1 : 2, &x);
  GroupSpread mixed(1);
  for (int64_t row = 0; row < 8; ++row) mixed.add(row / 4, &values[row % 2]);
  EXPECT_EQ(mixed.size().effective_rows, 8);
  EXPECT_NEAR(opposite.size().effective_rows, 2, 1e-12);
}

}  // namespace
}  // namespace qk
