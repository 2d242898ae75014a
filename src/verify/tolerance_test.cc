#include "verify/tolerance.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "verify/verification.h"

namespace qk {
namespace {

constexpr double kStep = 0x1p-24;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

VerifiedSite judged(int layer, Site site, const std::vector<double>& ratios,
                    const std::vector<int32_t>& rows, double base = 1e-5) {
  return judge({layer, site, 0, 0, 1, ratios}, rows, base);
}

TEST(Tolerance, TheBaseIsEightTimesTheDistanceFromFloat64) {
  EXPECT_EQ(base_tolerance(std::nullopt), 1e-5);
  EXPECT_EQ(base_tolerance(0), 1e-5);
  EXPECT_EQ(base_tolerance(1e-6), 1e-5);
  EXPECT_DOUBLE_EQ(base_tolerance(5e-6), 4e-5);
  EXPECT_EQ(base_tolerance(1e-3), 1e-4);
  EXPECT_EQ(base_tolerance(1e300), 1e-4);
}

TEST(Tolerance, GrowsWithThePosition) {
  const VerifiedSite site = judged(1, Site::kQueryPostRope, {2e-5}, {1 << 20}, 2e-5);
  EXPECT_DOUBLE_EQ(site.allowed, 2e-5 + 0x1p-4);
  EXPECT_DOUBLE_EQ(site.excess, 2e-5 / site.allowed);
}

TEST(Tolerance, NotInTheFirstLayerBeforeTheRotaryEmbedding) {
  for (const Site site : {Site::kQueryPreRope, Site::kKeyPreRope}) {
    EXPECT_EQ(judged(0, site, {1e-5}, {1000}).allowed, 1e-5);
    EXPECT_DOUBLE_EQ(judged(1, site, {1e-5}, {1000}).allowed, 1e-5 + 1000 * kStep);
  }
  for (const Site site : {Site::kQueryPostRope, Site::kKeyPostRope}) {
    EXPECT_DOUBLE_EQ(judged(0, site, {1e-5}, {1000}).allowed, 1e-5 + 1000 * kStep);
  }
}

TEST(Tolerance, TheRowFurthestBeyondItsOwnLimitCounts) {
  // The second row differs most, but has a wider limit.
  const VerifiedSite site = judged(2, Site::kKeyPostRope, {3e-5, 5e-5, 1e-5}, {0, 1000, 1001});
  EXPECT_EQ(site.allowed, 1e-5);
  EXPECT_DOUBLE_EQ(site.excess, 3);
  EXPECT_EQ(judged(2, Site::kKeyPostRope, {0, 0}, {3, 4}).excess, 0);
  EXPECT_EQ(judged(2, Site::kKeyPostRope, {0, kInfinity}, {3, 4}).excess, kInfinity);
}

TEST(Verification, PassesUpToTheLimit) {
  Verification verification;
  for (const double excess : {0.5, 1.0, 0.25}) {
    verification.sites.push_back({{}, 1e-5, excess});
  }
  EXPECT_EQ(verification.worst().excess, 1);
  EXPECT_TRUE(verification.passed());
  verification.sites[2].excess = 1.0001;
  EXPECT_EQ(&verification.worst(), &verification.sites[2]);
  EXPECT_FALSE(verification.passed());
}

}  // namespace
}  // namespace qk
