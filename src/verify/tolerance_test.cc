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
  return judge({.layer = layer, .site = site, .max_reference = 1, .row_ratios = ratios}, rows,
               base);
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

// Half precision: the numbers of docs/verify.md, written out.
TEST(HalfTolerance, IsAMultipleOfTheUnitRoundoff) {
  EXPECT_EQ(half_tolerance(DType::kBF16, std::nullopt), 0.015625);
  EXPECT_EQ(half_tolerance(DType::kF16, std::nullopt), 0.001953125);
}

TEST(HalfTolerance, IsThreeTimesTheDistanceFromFloat32WithinBounds) {
  EXPECT_EQ(half_tolerance(DType::kBF16, 0.0), 0.015625);
  EXPECT_EQ(half_tolerance(DType::kBF16, 0.001), 0.015625);
  EXPECT_DOUBLE_EQ(half_tolerance(DType::kBF16, 0.01), 0.03);
  EXPECT_EQ(half_tolerance(DType::kBF16, 0.5), 0.0625);
  EXPECT_EQ(half_tolerance(DType::kF16, 0.5), 0.0078125);
}

VerifiedSite judged_half(double rms, double tail, double largest = 1) {
  return judge_half({.rms_difference = rms,
                     .max_reference = 2,
                     .tail_difference = tail,
                     .num_numbers = 10,
                     .num_unequal = 1},
                    largest);
}

TEST(HalfTolerance, JudgesRmsAndTail) {
  // rms 0.5 of the largest value where 1 is allowed; tail 1 where 5 is
  EXPECT_DOUBLE_EQ(judged_half(1, 2).excess, 0.5);
  EXPECT_DOUBLE_EQ(judged_half(1, 15).excess, 1.5);
  EXPECT_DOUBLE_EQ(judged_half(3, 3).excess, 1.5);
  EXPECT_DOUBLE_EQ(judged_half(3, 3, 3).excess, 0.5);
  EXPECT_EQ(judged_half(3, 3, 3).allowed, 3);
}

TEST(HalfTolerance, ASingleNumberMayBeFarAway) {
  VerifiedSite site = judge_half(
      {.max_difference = 1, .rms_difference = 1e-3, .max_reference = 1, .tail_difference = 1e-3},
      half_tolerance(DType::kBF16, std::nullopt));
  EXPECT_LT(site.excess, 1);
}

TEST(HalfTolerance, ADifferenceFromZerosIsTooMuch) {
  const SiteDifference zeros{
      .rms_difference = 1e-9, .tail_difference = 1e-9, .num_numbers = 1, .num_unequal = 1};
  EXPECT_EQ(judge_half(zeros, 0.0625).excess, kInfinity);
}

}  // namespace
}  // namespace qk
