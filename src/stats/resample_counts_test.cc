#include "stats/resample_counts.h"

#include <gtest/gtest.h>

namespace qk {
namespace {

TEST(ResampleCounts, EveryReplicateHasAsManyDocuments) {
  const ResampleCounts counts(37, 50, 4);
  EXPECT_EQ(counts.replicates(), 51);
  for (int64_t r = 0; r < counts.replicates(); ++r) {
    int64_t sum = 0;
    for (const uint16_t count : counts.of(r)) sum += count;
    EXPECT_EQ(sum, 37);
  }
  for (const uint16_t count : counts.of(0)) EXPECT_EQ(count, 1);
  // numpy.random.default_rng(0).integers(5, size=...) drawn one by one: 4 3 2 1 1
  const ResampleCounts five(5, 1, 0);
  EXPECT_EQ((std::vector<uint16_t>(five.of(1).begin(), five.of(1).end())),
            (std::vector<uint16_t>{0, 2, 1, 1, 1}));
}

}  // namespace
}  // namespace qk
