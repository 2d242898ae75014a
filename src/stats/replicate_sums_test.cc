#include "stats/replicate_sums.h"

#include <gtest/gtest.h>

#include <vector>

namespace qk {
namespace {

// 70 documents are more than are multiplied at once; 20 numbers are more than one block.
TEST(ReplicateSums, AreSumsOverDocumentsAsOftenAsTheReplicateHasThem) {
  constexpr int64_t kDocuments = 70;
  constexpr int64_t kLength = 20;
  const ResampleCounts counts(kDocuments, 6, 3);
  ReplicateSums sums(counts, 2, 7, kLength);
  std::vector<std::vector<double>> expected(7, std::vector<double>(kLength));
  for (int64_t document = 0; document < kDocuments; document += 2) {
    std::vector<double> numbers;
    for (int64_t i = 0; i < kLength; ++i) numbers.push_back(static_cast<double>(document * 3 - i));
    sums.add(document, numbers);
    for (int64_t r = 2; r < 7; ++r) {
      for (int64_t i = 0; i < kLength; ++i) expected[r][i] += counts.at(r, document) * numbers[i];
    }
  }
  sums.finish();
  for (int64_t r = 2; r < 7; ++r) {
    const std::span<const double> found = sums.of(r);
    EXPECT_EQ(std::vector<double>(found.begin(), found.end()), expected[r]) << r;
  }
}

}  // namespace
}  // namespace qk
