#include "plasticity/law_projection.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace qk {
namespace {

// Two equal keys keep the variance 0; keys that differ get the smallest one.
TEST(LawProjection, AScoreThatNeverVariesIsKeptUnlessTheKeysAreEqual) {
  const GaussianLaw law = {.mean = {2, 3}, .covariance = {1, 0, 0, 0}};
  const std::vector<double> differences = {0, 0, 0, 1, 2, 1, 0, 0};
  std::vector<double> means(4);
  std::vector<double> variances(4);

  project_law(law, differences, means, variances);

  EXPECT_EQ(means, (std::vector<double>{0, 3, 7, 0}));
  EXPECT_EQ(variances, (std::vector<double>{0, std::numeric_limits<double>::min(), 4, 0}));
}

}  // namespace
}  // namespace qk
