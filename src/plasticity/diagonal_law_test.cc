#include "plasticity/diagonal_law.h"

#include <gtest/gtest.h>

#include <vector>

namespace qk {
namespace {

TEST(DiagonalLaw, ProjectsOnALineWithIndependentNoise) {
  QueryFit fit;
  fit.mean = {0, 0};
  fit.intercept = {1, 2};
  fit.slope = {0.5, 0};
  fit.reflection = {0, 0};
  fit.rotated_residual_variance = {4, 0};
  DiagonalLaw law(fit, 0.25);
  const std::vector<double> w = {1, 0, 0, 1, 3, -2};
  std::vector<double> means(3);
  std::vector<double> variances(3);
  law.project({.bucket = 1, .mean_position = 10}, w, means, variances);
  EXPECT_EQ(means, (std::vector<double>{6, 2, 14}));
  EXPECT_EQ(variances, (std::vector<double>{4, 0.25, 9 * 4 + 4 * 0.25}));
}

}  // namespace
}  // namespace qk
