#include "plasticity/plasticity_replicates.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "plasticity/pair_plasticity.h"

namespace qk {
namespace {

struct Pair {
  int64_t document;
  double mean;
};

// Pairs of variance 1 in two cells; those of a document are alike.
const std::vector<std::vector<Pair>> kCells = {
    {{0, 0.1}, {0, 0.15}, {1, 1.5}, {1, 1.51}, {1, 1.52}, {2, 0.8}},
    {{1, 2.0}, {1, 2.01}, {2, 0.3}},
};

TEST(PlasticityAverage, SizesAreThoseOfThePairsAroundTheirCells) {
  const ResampleCounts counts(3, 0, 0);
  PlasticityAverage average(counts);
  GroupSpread spread(1);
  double sum = 0;
  int64_t num_cells = 0;
  for (const std::vector<Pair>& cell : kCells) {
    average.enter_cell(1 + num_cells++, 0);
    double mean_value = 0;
    for (const Pair& pair : cell) {
      const double variance = 1;
      average.add_pair(pair.document, &pair.mean, &variance, 1);
      mean_value += pair_plasticity(pair.mean, 1) / static_cast<double>(cell.size());
    }
    average.end_group();
    sum += mean_value;
    for (const Pair& pair : cell) {
      const double moved = pair_plasticity(pair.mean, 1) - mean_value;
      spread.add(pair.document, &moved);
    }
  }
  const PlasticityReplicates found = average.result();
  ASSERT_EQ(found.ap_overall.size(), 1U);
  EXPECT_NEAR(found.ap_overall[0], sum / 2, 1e-15);
  EXPECT_EQ(found.pairs.documents, 3);
  EXPECT_DOUBLE_EQ(found.pairs.effective_documents, 81.0 / (2 * 2 + 5 * 5 + 2 * 2));
  EXPECT_NEAR(found.pairs.effective_rows, spread.size().effective_rows, 1e-12);
  EXPECT_LT(found.pairs.effective_rows, 9);
}

TEST(PlasticityAverage, PairsThatCannotBeJudgedDoNotCount) {
  const ResampleCounts counts(2, 0, 0);
  PlasticityAverage average(counts);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  average.enter_cell(1, 0);
  const auto add = [&](double mean, double variance) { average.add_pair(0, &mean, &variance, 1); };
  EXPECT_TRUE(std::isnan(average.result().ap_overall[0]));
  add(1, 0);
  add(nan, 1);
  add(1, nan);
  average.end_group();  // without a value
  EXPECT_TRUE(std::isnan(average.result().ap_overall[0]));
  add(1, 1);
  add(5, 0);
  average.end_group();
  EXPECT_DOUBLE_EQ(average.result().ap_overall[0], pair_plasticity(1, 1));
}

TEST(ScoreVariance, RoundingIsAFixedScore) {
  constexpr double kFixed = std::numeric_limits<double>::min();
  EXPECT_EQ(score_variance(3, 0.5, 10, false), 1.5);
  EXPECT_EQ(score_variance(1.9e-12, 0.5, 10, false), kFixed);
  EXPECT_EQ(score_variance(2.1e-12, 0.5, 10, false), 2.1e-12 * 0.5);
  EXPECT_EQ(score_variance(-1, 0.5, 10, false), kFixed);
  EXPECT_EQ(score_variance(3, 0.5, 10, true), 0);
}

}  // namespace
}  // namespace qk
