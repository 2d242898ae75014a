#include "stats/weighted_ks.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "stats/ks_test.h"
#include "stats/normal_cdf.h"
#include "stats/resample_counts.h"

namespace qk {
namespace {

TEST(WeightedKs, IsTheDistanceOfTheRepeatedRows) {
  std::mt19937 engine(1);
  std::normal_distribution<double> normal(0.3, 1.4);
  for (const size_t rows : {1, 2, 31, 32, 33, 500}) {
    std::vector<double> values(rows);
    std::vector<int64_t> documents(rows);
    for (size_t i = 0; i < rows; ++i) {
      values[i] = i % 7 == 3 && i > 0 ? values[i - 1] : normal(engine);  // ties
      documents[i] = static_cast<int64_t>(i % 9);
    }
    WeightedKs ks(values, documents);
    const ResampleCounts counts(9, 10, 2);
    for (int64_t r = 0; r < counts.replicates(); ++r) {
      std::vector<double> repeated;
      for (size_t i = 0; i < rows; ++i) {
        repeated.insert(repeated.end(), counts.of(r)[static_cast<size_t>(documents[i])],
                        normal_cdf((values[i] - 0.2) / 1.5));
      }
      if (repeated.empty()) continue;
      KsStatistic statistic;
      EXPECT_NEAR(ks.distance(counts.of(r), 0.2, 1.5), statistic(repeated), 1e-14);
    }
  }
}

}  // namespace
}  // namespace qk
