#include "stats/document_product.h"

#include <gtest/gtest.h>

namespace qk {
namespace document_product_test {

void expect_products(const ResampleCounts& counts, const std::vector<int64_t>& documents) {
  const DocumentProduct product(counts, documents);
  std::vector<double> numbers(documents.size() * kBlockWidth);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<double>(i * i % 37) - 11;
  std::vector<double> found(static_cast<size_t>(counts.replicates() * kBlockWidth));
  product.multiply(numbers.data(), found.data());
  for (int64_t r = 0; r < counts.replicates(); ++r) {
    for (int64_t lane = 0; lane < kBlockWidth; ++lane) {
      double expected = 0;
      for (size_t g = 0; g < documents.size(); ++g) {
        expected +=
            counts.at(r, documents[g]) * numbers[g * kBlockWidth + static_cast<size_t>(lane)];
      }
      EXPECT_EQ(found[static_cast<size_t>(r * kBlockWidth + lane)], expected) << r;
    }
  }
}

TEST(DocumentProduct, OfTheBootstrap) { expect_products({30, 25, 7}, {0, 3, 4, 11, 29}); }

TEST(DocumentProduct, OfTheJackknife) {
  expect_products(ResampleCounts::leave_out(30), {0, 3, 4, 11, 29});
  expect_products(ResampleCounts::leave_out(500), {0, 1, 2, 3, 250, 499});  // in groups
  expect_products(ResampleCounts::leave_out(3), {0, 2});
}

TEST(DocumentProduct, OfTheSampleAlone) { expect_products({4, 0, 0}, {1, 2, 3}); }

}  // namespace document_product_test
}  // namespace qk
