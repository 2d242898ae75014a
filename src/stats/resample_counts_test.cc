#include "stats/resample_counts.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

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

TEST(ResampleCounts, LeaveOutEachDocumentOnce) {
  const ResampleCounts counts = ResampleCounts::leave_out(5);
  EXPECT_EQ(counts.replicates(), 6);
  for (int64_t r = 0; r < 6; ++r) {
    for (int64_t document = 0; document < 5; ++document) {
      EXPECT_EQ(counts.at(r, document), r == document + 1 ? 0 : 1);
    }
  }
}

TEST(ResampleCounts, ManyDocumentsAreLeftOutInGroupsOfNeighbours) {
  for (const int64_t documents : {200, 201, 399, 500, 1234, 60'000}) {
    const ResampleCounts counts = ResampleCounts::leave_out(documents);
    EXPECT_LE(counts.replicates(), 201);
    EXPECT_GT(counts.replicates(), 100);
    int64_t next = 0;  // the groups follow one another
    for (int64_t r = 1; r < counts.replicates(); ++r) {
      const int64_t begin = next;
      while (next < documents && counts.at(r, next) == 0) ++next;
      int64_t present = 0;
      for (const uint16_t count : counts.of(r)) present += count;
      EXPECT_EQ(present, documents - (next - begin)) << documents;
      const double even = static_cast<double>(documents) / (counts.replicates() - 1.0);
      EXPECT_LT(std::abs(static_cast<double>(next - begin) - even), 1) << documents;
    }
    EXPECT_EQ(next, documents);
  }
}

TEST(ResampleCounts, TheKindDecides) {
  EXPECT_EQ(ResampleCounts::of_options(9, {}, 0).replicates(), 1);
  EXPECT_EQ(ResampleCounts::of_options(9, {.kind = ErrorBars::kJackknife}, 0).replicates(), 10);
  const ErrorBarOptions bootstrap{.kind = ErrorBars::kBootstrap, .replicates = 30};
  EXPECT_EQ(ResampleCounts::of_options(9, bootstrap, 0).replicates(), 31);
  EXPECT_EQ(ResampleCounts::of_options(1, bootstrap, 0).replicates(), 1);
  EXPECT_NE(ResampleCounts::of_options(9, bootstrap, 0).gather(1, 9, std::vector<int64_t>{0, 1}),
            ResampleCounts::of_options(9, bootstrap, 1).gather(1, 9, std::vector<int64_t>{0, 1}));
}

}  // namespace
}  // namespace qk
