#include "stats/normal_cdf.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/test_vectors.h"
#include "stats/test_numbers.h"

namespace qk {
namespace {

using Json = nlohmann::json;

TEST(NormalCdf, IsExactToTheLastBits) {
  const nlohmann::json vectors = load_vectors("plasticity/norm_cdf.json");
  for (const Json& row : vectors["rows"]) {
    const double x = number_of(row[0]);
    EXPECT_NEAR(normal_cdf(x), number_of(row[1]), 1e-16);
    std::vector<double> many(9, x);
    normal_cdf(many, 1, many);
    for (const double p : many) EXPECT_NEAR(p, number_of(row[1]), 4e-16) << row;
  }
  std::vector<double> grid(20001);
  for (size_t i = 0; i < grid.size(); ++i) grid[i] = (static_cast<double>(i) - 10000) * 0.00097;
  std::vector<double> out(grid.size());
  normal_cdf(grid, 0.5, out);
  for (size_t i = 0; i < grid.size(); ++i) {
    const double expected = normal_cdf(grid[i] * 0.5);
    EXPECT_NEAR(out[i], expected, 4e-16) << grid[i];
    EXPECT_NEAR(out[i] / expected, 1, 1e-12) << grid[i];
  }
}

}  // namespace
}  // namespace qk
